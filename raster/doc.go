// Package raster draws a scene in software: no graphics card, no display, the
// same bytes on every run.
//
// It exists because three parts of the road need pictures where no browser
// is. The published edition must be readable without JavaScript, so each step
// of a story carries a still. A proof sheet puts the photo beside the model
// seen from the solved camera. The exercise invents photos and videos whose
// cameras are known exactly, because they are the measure for the solver.
//
// How it works. A triangle is never projected to the image: its three corner
// rays give three planes through the eye, and a pixel is inside when its own
// ray lies on the inner side of all three (homogeneous rasterisation, Olano
// and Greer 1997). The pixel's ray may be bent by the lens first, so radial
// distortion k1 is exact, triangles that pass behind the camera need no
// clipping, and depth is the true distance along the axis in metres. Surfaces
// are then shaded once per pixel and triangle; lines, areas, markers and
// labels are laid over the depth buffer.
//
// Two styles. [Paper] is for people who read: light ground, contour lines,
// outlines, and a fill that says how certain each surface is ([Class]).
// [Photo] is for the exercise: sun, shadow, sky, invented surface texture,
// haze and grain.
//
// Frames and units. World coordinates are metres east, north, up of the scene
// frame (package where). Cameras are those of package sight: x right, y down,
// z forward, pixel (0,0) is the outer corner of the top left pixel. Depth is z
// in metres, +Inf where nothing is drawn.
//
// [Prepare] does the work that does not depend on the camera (normals,
// feature edges, shadow maps), so many frames of one scene cost little each;
// [Render] does both.
//
// The next package on the road is scene, which reads terrain, buildings and
// models into the meshes drawn here.
package raster
