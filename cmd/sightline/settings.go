package main

import (
	"path/filepath"

	"sightline/archive"
)

// settingsFiles are where options may stand that somebody does not want to
// give each time; what is not there is passed over.
func settingsFiles() []string {
	files := []string{filepath.Join(string(filepath.Separator), "etc", "sightline", "settings.json")}
	if home, err := archive.Home(); err == nil {
		files = append(files, filepath.Join(home, "settings.json"))
	}
	return files
}
