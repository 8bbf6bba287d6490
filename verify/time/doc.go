// Package time derives what follows from the dated facts of a case.
//
// It exists because "it ended at 11:20" and "nobody fired from 11:15" are
// statements of different people, and whether they can both be true is a sum,
// not an opinion. Compile turns the constraints of a document into a network
// of package order and adds one rule, that nothing ends before it starts.
// Solve answers it: the tightest interval of every start and end with the
// chain of constraints that forces it, under the shared evidence and under
// each account, and every smallest set of constraints that cannot all be true,
// with the accounts that say them and the minutes that are missing.
//
// Nothing is decided here. A constraint that takes part in a contradiction is
// left out of the intervals of whoever holds it, together with all the others
// of that contradiction, and is listed: the weaker side is never picked.
//
// The next package on the road is scene; publish prints the report.
package time
