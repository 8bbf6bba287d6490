// Package scene builds the model of the place: the ground, the buildings and
// whatever else photos are matched against, in one local frame of metres.
//
// It exists because a camera is solved against a model, a sight line is
// tested against a model, and a reader looks at a model; all three must be
// the same one, with the same origin, and it must say of every part how it
// came to be known. A surface copied from a survey and a surface somebody
// imagined look different, weigh differently and are named differently
// ([Layer.Class]).
//
// How it works. A [Spec] (JSON) names the sources: height grids (GeoTIFF,
// SRTM HGT), building footprints (GeoJSON, Overpass JSON), models (GLB, OBJ,
// PLY, STL), and parts described by a few numbers (an A-frame house, a road,
// a terrace). [Build] turns them into a [Document], scene.json, and one GLB a
// layer. The same spec and sources give the same bytes.
//
// Frame. Metres east, north and up of a frozen origin, computed through
// earth-centred coordinates (package where): the frame's horizontal plane
// leaves the ellipsoid by 1.97 m at 5 km, so heights are never simply added
// to "up". Every height names its vertical datum. In GLB files the axes are
// turned to the y-up of glTF: x = east, y = up, z = -north.
//
// Hostile input. Models and grids come from strangers. Sizes are checked
// before memory is taken, references to outside files are refused, and every
// reader has a fuzz test; see [Limits].
//
// The next package on the road is narrate, which tells a story over the
// scene.
package scene
