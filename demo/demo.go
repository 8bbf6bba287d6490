// Package demo holds the raw inputs of the demonstration case: a table of
// records with its mapping, hand-written accounts, claims and story, and the
// spec of a schematic scene. The program builds the case from them through
// the verbs that everybody has.
package demo

import "embed"

// Files is one folder a case.
//
//go:embed el-junquito
var Files embed.FS
