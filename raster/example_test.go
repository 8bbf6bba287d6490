package raster_test

import (
	"fmt"

	"sightline/raster"
)

// A wall ten metres north of a camera that looks north: its depth is exact,
// and the id buffer says what is seen.
func ExampleRender() {
	wall := raster.Mesh{
		Name: "wall", ID: 7, Class: raster.FromPlans,
		Positions: [][3]float64{{-3, 10, 0}, {3, 10, 0}, {3, 10, 4}, {-3, 10, 4}},
		Triangles: [][3]uint32{{0, 1, 2}, {0, 2, 3}},
	}
	cam, err := raster.LookAt([3]float64{0, 0, 1.6}, [3]float64{0, 10, 1.6}, 40, 320, 180)
	if err != nil {
		fmt.Println(err)
		return
	}
	img, err := raster.Render(cam, raster.Scene{Meshes: []raster.Mesh{wall}}, raster.Options{Caption: "schematic"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%v pixels, id %d at %.2f m\n", img.RGBA.Rect.Size(), img.ID[90*320+160], img.DepthAt(160, 90, 320))
	// Output: (320,180) pixels, id 7 at 10.00 m
}

// One prepared scene, many frames: what a video of the exercise costs.
func ExamplePrepare() {
	box := raster.Mesh{ID: 1, Material: raster.Brick,
		Positions: [][3]float64{{-1, 9, 0}, {1, 9, 0}, {0, 9, 2}},
		Triangles: [][3]uint32{{0, 1, 2}}}
	p, err := raster.Prepare(raster.Scene{Meshes: []raster.Mesh{box}, Sun: [3]float64{1, -1, 1}})
	if err != nil {
		fmt.Println(err)
		return
	}
	seen := 0
	for i := range 3 {
		cam, _ := raster.LookAt([3]float64{float64(i), 0, 1}, [3]float64{0, 9, 1}, 30, 64, 36)
		img, err := p.Render(cam, raster.Options{Style: raster.Photo, Samples: 1})
		if err != nil {
			fmt.Println(err)
			return
		}
		if img.ID[18*64+32] == 1 {
			seen++
		}
	}
	fmt.Println(seen, "of 3 frames show the box in the middle")
	// Output: 3 of 3 frames show the box in the middle
}
