package capture

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/chromedp/chromedp"
)

const nobody = 65534

// lowered makes the browser run without the rights of root, and says what
// keeps it in.
func lowered(profile string) (chromedp.ExecAllocatorOption, string, error) {
	if os.Geteuid() != 0 {
		return nil, "of the browser", nil
	}
	err := filepath.WalkDir(profile, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Chown(path, nobody, nobody)
	})
	if err != nil {
		return nil, "", fmt.Errorf("failed to give the browser a profile of its own: %w", err)
	}
	return chromedp.ModifyCmdFunc(func(c *exec.Cmd) {
		c.Dir = profile
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}, Pdeathsig: syscall.SIGKILL}
	}), "of the browser, as user nobody", nil
}
