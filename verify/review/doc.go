// Package review holds the rules by which a team verifies an item.
//
// "Verified" is never set by a person. People answer questions (where was the
// camera, when was it, was it altered, who published it, is what it says so),
// each for one item and one axis, and this package computes from the answers
// what may be said: two different people, the second of whom was sent no
// answer of the first, whose positions agree within max(15 m, combined 95 %
// radius) and whose intervals overlap. One person alone gives "self-checked"
// at most. Every answer pins the record it was given about; when that record
// changes, the answer is stale and stops counting until it is given again.
//
// [Status] is a pure function of a document. [Derive] writes its outcome into
// the items and findings concerned, [Guard] refuses an edit that writes an
// outcome by hand, and [Blind] removes from a document what a person may not
// see before answering. Package web calls all three at the one door of a
// case. The rules in words, with their reasons, stand in
// docs/methods/corroboration.md. The next stage on the road is
// verify/corroborate, which weighs what was verified.
package review
