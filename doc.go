// Package sightline holds the nouns of an investigation and the interfaces
// through which they are kept.
//
// It exists so that every other part of the program, from the command line to
// the published edition, means the same thing by an item, a finding or a
// claim. The nouns are plain structs that survive a JSON round trip; the
// glossary in docs/architecture.md defines each word.
//
// A piece of evidence travels one road:
//
//	intake -> archive -> identify -> verify -> scene -> narrate -> publish -> check
//
// Each step adds to what is known about an item and never changes what was
// known before. There is one way to change anything, [Store.Update]: the rows
// change, one [Entry] is appended to the custody log and follow-up jobs are
// enqueued, in one transaction. The tables are therefore a projection of the
// log, and replaying the log into an empty store must give the same rows.
//
// The next package on the road is intake, which turns files into items.
package sightline
