// Package tip holds the formats of a call for evidence: the bundle a source
// sends (SLTIP1), its padding, the receipt code in words and digits, the keys
// that derive from the code, and the slot a reply travels in.
//
// It exists because three programs must agree byte for byte: the browser of
// the source, the server that must understand nothing, and the machine of the
// team. The package is pure: no file, no network, no clock. The bytes are
// described in docs/formats/tip.md.
//
// Next on the road: package call receives bundles, the tips verb opens them.
package tip
