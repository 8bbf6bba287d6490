// Package corroborate weighs what the evidence of a case says together: how
// many independent sources stand behind a claim, what contradicts what, which
// evidence tells rival hypotheses apart, what would change the conclusion, and
// where in time, space and viewpoint nothing is covered.
//
// It exists because repetition looks like confirmation. Ten posts of one clip
// are one source, and a claim that rests on them rests on one source. Nothing
// here sets a status: the report is what a person reads before judging. All
// of it is a pure function of the document; sight lines are asked of a
// function that the caller makes from the scene. The next stage on the road is
// narrate. The methods stand in docs/methods/corroboration.md.
package corroborate
