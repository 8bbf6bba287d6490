// Package intake turns what people hand over into items.
//
// It exists because the first minute decides what a piece of evidence is worth
// later: its bytes are kept, hashed and entered in the custody log before
// anything else looks at them, and nothing that cannot be taken is passed over
// in silence. An [Adder] takes files and folders ([Adder.Files]), tables of
// records ([Adder.Records]), hand-written objects ([Adder.Document]) and built
// scenes ([Adder.Scene]); each answers with a [Report] in which every input
// appears once: added, known already, or refused with a sentence.
//
// Nothing is parsed here beyond the first bytes of a file ([Sniff]) and the
// tables and documents a user writes. Reading media is the work of package
// identify, the next on the road, in a sandbox and in its own time.
package intake
