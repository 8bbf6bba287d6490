//go:build !unix

package dir

import (
	"os"
	"time"
)

// lock does nothing: Windows refuses to remove a file that is open.
func lock(*os.File) error { return nil }

// abandoned goes by age, because an open file may be shared here.
func abandoned(_ string, fi os.FileInfo) bool { return time.Since(fi.ModTime()) > 24*time.Hour }

// syncDir does nothing: Windows has no way to sync a folder; NTFS journals the
// rename.
func syncDir(string) error { return nil }
