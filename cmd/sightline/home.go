package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"sightline"
)

// errNoCase says that no case is around the current folder.
var errNoCase = sightline.ErrNotFound

// homeCases opens the cases in the folder Sightline of the person's home: what
// a program that was opened by a double click has to show. The folder is made
// when it is not there, and may be empty.
func homeCases(ctx context.Context) ([]*folder, string, error) {
	base, err := os.UserHomeDir()
	if err != nil {
		return nil, "", exit(2, fmt.Errorf("this account has no home folder; name a case folder: %w", err))
	}
	home := filepath.Join(base, "Sightline")
	if err := os.MkdirAll(home, 0o700); err != nil {
		return nil, "", exit(2, fmt.Errorf("the folder for cases cannot be made: %w", err))
	}
	found, err := filepath.Glob(filepath.Join(home, "*", "case.db"))
	if err != nil || len(found) == 0 {
		return nil, home, err
	}
	folders, err := openCases(ctx, []string{home})
	return folders, home, err
}

// caseHome is the folder in which a case made in the desk is put: the folder
// that was named and holds cases, else the one beside the first case. A case
// in a database has none.
func caseHome(dirs []string, folders []*folder) string {
	if len(dirs) == 1 {
		if _, err := os.Stat(filepath.Join(dirs[0], "case.db")); err != nil {
			return dirs[0]
		}
	}
	if len(folders) > 0 {
		if _, err := os.Stat(filepath.Join(folders[0].Dir, "case.db")); err == nil {
			return filepath.Dir(folders[0].Dir)
		}
	}
	return ""
}

// openBrowser asks the system to show an address.
func openBrowser(ctx context.Context, url string) error {
	name, args := "xdg-open", []string{url}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler", url}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return errors.New("no program for opening addresses")
	}
	return exec.CommandContext(ctx, path, args...).Start()
}
