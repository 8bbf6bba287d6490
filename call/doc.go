// Package call is the server of a call for evidence: the door where people who
// may be afraid leave what they saw, and come back for an answer.
//
// It exists apart from the desk, as its own process, user and store, because
// it is the machine that will be seized. It holds public keys only. What it
// knows at rest of a tip is its padded length, its UTC day and that it came;
// no name, no address, no exact time, no code. Lane A (browser with
// JavaScript) brings ciphertext in chunks; lane B (no JavaScript) is a form
// whose stream is sealed on the way in and whose plaintext is never on disk.
// The pages are those of package call/pages, the formats those of package
// tip, the table of requests stands in docs/formats/tip.md.
//
// Next on the road: the team pulls what came (Pull), opens it on the machine
// that holds the key, and package intake makes items of it.
package call
