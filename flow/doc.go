// Package flow is the one table of automatic work and the loop that does it.
//
// It exists so that what happens to an item by itself can be read in one
// place, from top to bottom, in the order of the road: [Road]. A [Step] says
// which items it takes, what it makes of them, in which lane it runs and which
// program it needs. [JobsFor] turns the table into jobs for a new item;
// [Work] claims jobs and runs them until there are none or it is stopped.
//
// A job is known by what it does to which bytes with which version of which
// tool, so nothing is done twice, and a job whose worker died is taken over
// when its lease ends. A failed job is a sentence on its item, never the end
// of the others.
package flow
