// Package alike finds copies that are not the same bytes.
//
// It exists because one picture reaches a team ten times: re-encoded by a
// messenger, cut, turned, with a logo, as a frame of a video. Counting such
// copies as ten sources is an error that no later step can repair. The package
// gives the numbers by which copies are found and the words for what a copy
// lost:
//
//   - [Hash] is PDQ, the 256-bit hash of a picture published by Facebook (now
//     Meta) in "The TMK+PDQF Video-Hashing Algorithm and the PDQ
//     Image-Hashing Algorithm" (2019), with its quality and the hashes of the
//     eight turns and flips; [PHash] is the 64-bit hash that most other tools
//     print;
//   - [Index] answers "which of a million hashes lie within 31 bits" exactly;
//   - [Features] and [Register] find a part of a picture inside another one and
//     say where, turned and scaled how;
//   - [Excerpt] finds a clip inside a longer video with its offset;
//   - [Voice] and [SoundExcerpt] do the same with the sound alone.
//
// A small distance says that two pictures look alike, never which one came
// first or that either is genuine.
//
// Everything here is pure computation on decoded samples. Package identify,
// the next on the road, decodes files in its sandbox and calls it.
package alike
