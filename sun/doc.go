// Package sun tells where the sun and the moon stand, and turns shadows in
// pictures into intervals of time.
//
// It exists because "the shadow says about nine" has to become an interval
// with an error that can be checked. The sun's position is the Solar Position
// Algorithm of the NREL report TP-560-34302, written from the report's text
// and tables, good to 0.0003 degrees for the years -2000 to 6000 ([At];
// [Almanac] gives the same numbers faster over a span of time). [Solve] takes
// the tops and tips of shadows with their covariances and answers every
// interval of time in which the sun fits them; [NewBelt] answers where on the
// Earth a shadow could have been cast.
//
// Angles are degrees, azimuth clockwise from true north, elevation above the
// astronomical horizon of the place; times are UTC ([when.Instant]), with UT1
// taken as UTC: that is wrong by at most 0.9 s, or 0.004 degrees of hour
// angle, 0.9 s of time in a shadow's answer. The functions are pure.
//
// The intervals become constraints of package order next.
package sun
