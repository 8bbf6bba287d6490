// Package sight is the geometry of photographs: the camera, where it stood
// and what it saw.
//
// It exists because the place of a camera is a finding that must carry its
// own doubt. The conventions (axes, pixels, rotation, lens) are those of
// docs/methods/place.md. [Solve] places a camera from clicks, [Triangulate] a
// feature from several cameras, and [BVH] says what stands in the way of a
// sight line. The package uses the standard library only. The next
// package on the road is verify/place, which turns answers into findings.
package sight
