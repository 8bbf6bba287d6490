// Package order derives intervals of time from one another.
//
// Evidence about time is mostly relative: the shot is 184 s into the
// recording, the recording's clock was half an hour slow, the post came after
// both. Every such fact is min <= to - from <= max in milliseconds, and a set
// of them is a Simple Temporal Network (Dechter, Meiri, Pearl, "Temporal
// constraint networks", Artificial Intelligence 49, 1991): its tightest
// consequences are shortest paths, and its contradictions are cycles of
// negative length. So every bound comes with the chain of facts that forces
// it, whose integers anybody can add up again, and every contradiction with a
// set of facts of which none can be left out.
//
// Graph is the mechanism: feasible potentials, repaired as facts are added
// (Cotton and Maler, "Fast and flexible difference constraint propagation for
// DPLL(T)", SAT 2006) and untouched as they are taken away. Network is the
// document, and Solve answers a document with bounds, conflicts, repairs,
// orders, contributions, accounts and alternatives.
//
// The next package on the road is verify/time, which turns items into facts.
package order
