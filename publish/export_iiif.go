package publish

import (
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"sightline"
)

// IIIF writes the scene of the public document as a Manifest of the IIIF
// Presentation API 4: one Scene with the models of the public layers, the solved cameras
// of the items and, as comments, what each item shows. base is the address at
// which the edition stands; IIIF wants full addresses.
//
// A Scene is right-handed with y up, as glTF is: x is east, y up, z south, in
// metres from the origin of the scene.
func IIIF(d *sightline.Document, base string, w io.Writer) error {
	base = strings.TrimSuffix(base, "/")
	label := func(t sightline.Text) map[string][]string {
		out := map[string][]string{}
		for _, l := range d.Case.Languages {
			if s := neutral(t[l]); s != "" {
				out[l] = []string{s}
			}
		}
		if len(out) == 0 {
			out["none"] = []string{d.Case.ID}
		}
		return out
	}
	scene := base + "/iiif/scene"
	at := func(e [3]float64) map[string]any {
		return map[string]any{"type": "SpecificResource", "source": []any{map[string]any{"id": scene, "type": "Scene"}},
			"selector": []any{map[string]any{"type": "PointSelector", "x": milli(e[0]), "y": milli(e[2]), "z": milli(-e[1])}}}
	}
	painting, comments := []any{}, []any{}
	for _, l := range d.Layers {
		format := map[string]string{".glb": "model/gltf-binary", ".gltf": "model/gltf+json", ".obj": "model/obj"}[strings.ToLower(path.Ext(l.File))]
		if format == "" {
			continue
		}
		painting = append(painting, map[string]any{"id": base + "/iiif/layer/" + l.ID, "type": "Annotation", "motivation": []string{"painting"},
			"body":   map[string]any{"id": base + "/scene/" + path.Base(l.File), "type": "Model", "format": format, "label": label(l.Title)},
			"target": map[string]any{"id": scene, "type": "Scene"}})
	}
	for _, it := range d.Items {
		for _, p := range it.Places {
			var spot [3]float64
			switch {
			case p.Camera != nil:
				spot = p.Camera.Position
			case p.ENU != nil:
				spot = *p.ENU
			default:
				continue
			}
			if c := p.Camera; c != nil && c.Solved && c.FocalPx > 0 && c.Height > 0 {
				h, t, r := angles(c.Rotation)
				vfov := 2 * math.Atan(float64(c.Height)/2/c.FocalPx) * 180 / math.Pi
				// A camera without a transform looks along -z, which is north; turns are
				// about x, then y, then z, counter-clockwise, in degrees.
				body := map[string]any{"type": "SpecificResource", "source": []any{map[string]any{"id": base + "/iiif/camera/" + it.ID, "type": "PerspectiveCamera", "label": label(it.Title), "fieldOfView": milli(vfov)}},
					"transform": []any{map[string]any{"type": "RotateTransform", "x": 0.0, "y": 0.0, "z": milli(r)}, map[string]any{"type": "RotateTransform", "x": milli(t - 90), "y": 0.0, "z": 0.0}, map[string]any{"type": "RotateTransform", "x": 0.0, "y": milli(-h), "z": 0.0}}}
				painting = append(painting, map[string]any{"id": base + "/iiif/camera-" + it.ID, "type": "Annotation", "motivation": []string{"painting"}, "body": body, "target": at(spot)})
			}
			for _, l := range d.Case.Languages {
				text := neutral(it.ID + ": " + it.Title[l] + ". " + it.Seen[l])
				if p.Approx {
					text += " " + wordsOf(l).T("approximate") + "."
				}
				comments = append(comments, map[string]any{"id": fmt.Sprintf("%s/iiif/comment/%s/%s", base, it.ID, l), "type": "Annotation", "motivation": []string{"commenting"},
					"body": map[string]any{"type": "TextualBody", "value": text, "language": l, "format": "text/plain"}, "target": at(spot)})
			}
			break
		}
	}
	s := map[string]any{"id": scene, "type": "Scene", "label": label(d.Case.Title),
		"items": []any{map[string]any{"id": base + "/iiif/scene/page", "type": "AnnotationPage", "items": painting}}}
	if len(comments) > 0 {
		s["annotations"] = []any{map[string]any{"id": base + "/iiif/scene/comments", "type": "AnnotationPage", "items": comments}}
	}
	return indented(w, map[string]any{"@context": "http://iiif.io/api/presentation/4/context.json", "id": base + "/iiif/manifest.json", "type": "Manifest",
		"label": label(d.Case.Title), "summary": label(d.Case.Summary), "items": []any{s}})
}

func milli(x float64) float64 { return math.Round(x*1000) / 1000 }
