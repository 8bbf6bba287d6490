// Package narrate turns what is known about a case into things that are read:
// stories, sheets, logs.
//
// It exists because evidence ends in front of people who use other tools: a
// lawyer's spreadsheet, an editor's table. [ReadLog] gathers the evidence log
// of a case from one consistent state; [Table.WriteCSV] and [Log.WriteXLSX]
// write it. Nothing is rounded away on the way out: times leave as intervals,
// positions with their error, statuses in the words of the glossary.
//
// The next package on the road is publish, which makes an edition.
package narrate
