// Package place turns solved cameras into findings and into the files of
// other programs, and reads cameras that other programs solved.
//
// It exists because the answer of package sight is numbers about one
// photograph, while a case needs a sentence with its doubt, tied by digests to
// the problem that was solved, and because a camera that only our own viewer
// can open cannot be checked by anybody else. A camera leaves as GeoPose 1.0,
// KML PhotoOverlay, glTF, COLMAP text or a table, each turned to the axes and
// the heights of that format, and comes back from COLMAP, fSpy, glTF and KML.
// Whatever a format cannot hold (covariance, lens, datum) goes beside it.
//
// The next package on the road is scene, where the camera is drawn.
package place
