// Package exercise invents an incident whose truth is known.
//
// It exists for two reasons. The methods of the later stages have to be
// measured, and real cases have no answer sheet: here every camera, clock,
// shot and copy is known because the program placed it. And people have to
// train on something that hurts nobody. A seed gives one exercise; another
// seed moves the house, the cameras, the clocks and the times.
//
// How it works. [Generate] lays out a mountain road with an A-frame house,
// builds it with package scene, places cameras from which enough corners can
// be seen, puts the sun where package sun says it stood, and renders with
// package raster. Devices have clocks that are wrong by known amounts; what
// they write into files is their own time. Shots reach each recorder after
// distance over the speed of sound. Two folders come out: case, which is all
// that an investigator may see, and truth, which is the answer sheet.
//
// Everything is marked as fiction, EXERCISE and EJERCICIO: a band in each
// picture, a comment in each file, a sentence in each text. Names are
// invented, and the coordinates lie in open sea so that no real house stands
// there.
//
// The same seed gives the same bytes on one kind of processor, apart from
// videos, whose encoder is another program.
//
// The case folder goes on to intake: sightline scene build, then sightline add.
package exercise
