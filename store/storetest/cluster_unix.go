//go:build unix

package storetest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

var quitSignal = syscall.SIGQUIT

// unprivileged makes a folder belong to, and a program run as, a user that is
// not root: PostgreSQL refuses to run as root.
func unprivileged(dir string, cmd *exec.Cmd) error {
	if os.Getuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if cmd == nil {
			return os.Chown(dir, uid, gid)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
		return nil
	}
	return fmt.Errorf("this is root, PostgreSQL does not run as root, and there is no user postgres or nobody")
}
