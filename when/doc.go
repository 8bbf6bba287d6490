// Package when holds values of time that may be uncertain.
//
// Evidence rarely says when. It says "the file's clock read 08:37", "before
// the post", "May 2019", and each of those is an interval with a reason. This
// package gives the values (Instant, Interval), the zones with their gaps and
// folds, the reading of written times into sets of hypotheses (Parse), dates
// in EDTF in and out, and the words an interval is shown with (Format).
// Nothing here guesses: what cannot be known comes back as several hypotheses
// or as a status that says so.
//
// All instants are milliseconds since 1970-01-01T00:00Z in the proleptic
// Gregorian calendar, without leap seconds. The package does no input or
// output of its own; zone rules come from the Go library, with the table of
// time/tzdata built in for machines that have none.
//
// The next package on the road is order, which derives intervals from one
// another.
package when
