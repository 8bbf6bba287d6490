package capture

import "golang.org/x/net/idna"

// hostASCII writes a name as it is looked up (IDNA 2008). Look-alikes of
// digits and dots, such as full-width ones, become what they look like, so
// that they are judged as that.
func hostASCII(h string) (string, error) { return idna.Lookup.ToASCII(h) }
