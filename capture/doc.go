// Package capture brings pages of the web in, in a form that shows later what
// this machine asked for and what it was answered.
//
// It exists because an address in a table is not evidence: pages change and
// vanish. A [Fetcher] asks for one address and what the page shows, keeps each
// request and response byte for byte as WARC records in one WACZ, and says
// which parts failed. A [Browser] adds what a reader would have seen: the
// picture of the whole page and the document after its scripts ran. A [Queue]
// works through the addresses of a case, politely, and goes on after a restart.
//
// An address pasted by a user, a redirect and a name server are all hostile
// input: everything leaves through one [Guard], which dials only public
// addresses and only those it has checked itself.
//
// What was brought in becomes an item in package intake, next on the road; the
// command joins the two.
package capture
