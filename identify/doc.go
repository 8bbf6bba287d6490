// Package identify reads what a file says about itself and makes the working
// copies that people look at.
//
// It exists because an investigator must be able to see, sort and search
// material within minutes of its arrival, while the original stays untouched
// and every value read from it stays a claim: a camera's clock may be wrong, a
// position may have been written by a program. [Metadata] therefore keeps each
// value as a fact with its source and its doubt, and turns times and positions
// into hypotheses with status "claimed". [Picture], [Poster], [Proxy] and
// [Waveform] make derivatives with the recipe to make them again.
//
// All parsing of untrusted bytes happens outside this process: external
// programs in the box of package tool, our own decoders in a copy of ourselves
// in the same box ([Worker]).
//
// The next package on the road is verify, where people and methods test what
// was read here. Package flow says when each of these functions runs.
package identify
