// Package redact makes the copies of an item that may be published when a part
// of it must not be: faces, number plates, voices.
//
// It exists because a face that is blurred can be recognised again and a voice
// that was shifted can be shifted back. What a [sightline.Redaction] covers is
// therefore replaced: a part of a picture by solid black, sound by silence or
// a tone. The copy is encoded anew from what is left, carries no metadata of
// the original, and is decoded and compared before it is kept: every covered
// pixel of every frame must be the fill. A cover grows outwards to whole
// blocks of 16 pixels, because lossy coding mixes the pixels of a block and the
// uncovered part of a block would still tell of the covered part.
//
// Copies are made from the working copies that a person draws on (the preview
// of a picture, the proxy of a video), never from a guess of how the original
// stands or how its clock runs. The original is not touched.
//
// The next package on the road is publish, which sends out these copies in
// place of the plain ones and nothing else of the item.
package redact
