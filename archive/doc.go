// Package archive keeps a case safe and provable: the folder that holds it,
// the keys that sign for it, and everything by which a stranger can check it.
//
// It exists so that what was taken in can be shown, years later and by people
// who trust nobody here, to be the same bytes with the same history. A case is
// a folder: case.db (objects and the custody log), blobs/ (the bytes) and
// keys/ (the key that signs the log's checkpoints). Copying the folder copies
// the case. docs/formats/case-folder.md and docs/formats/log.md are the
// specification.
//
// Start at [Create] and [Open]; [Check] reads everything and reports every
// fault; [Proof] gathers what shows one item to be in the log, and
// [VerifyProof] checks it. The next package on the road is identify, which
// finds out what an item is.
package archive
