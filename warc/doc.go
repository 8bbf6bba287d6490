// Package warc reads and writes web archives: WARC 1.1 (ISO 28500:2017) and
// the older ARC, and WACZ 1.1.1, the ZIP in which a WARC travels with an index
// and a list of pages.
//
// It exists because three stages need one format: capture writes what it
// fetched, intake takes archives of other programs in, narrate exports. It
// knows no case and touches no file of its own accord. What is damaged is
// reported by record and offset as a [Fault] and never ends the reading; what
// a file claims about its size is never believed ([Limits]).
package warc
