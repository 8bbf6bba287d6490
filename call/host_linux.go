package call

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckHost looks at the machine a call is served from and says, one sentence
// each, what weakens it. Nothing is changed.
func CheckHost(dir string) (faults []string) {
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if err := RefuseIdentity(dir); err != nil {
		say("%v", err)
	}
	for _, d := range swapDevices("/proc/swaps", "/sys/class/block") {
		say("swap %s is not known to be encrypted: memory of lane B can reach the disk; switch it off (swapoff -a, and out of /etc/fstab) or encrypt it", d)
	}
	if b, err := os.ReadFile("/proc/sys/kernel/core_pattern"); err == nil && strings.HasPrefix(string(b), "|") {
		say("core dumps of this machine go to a program (kernel.core_pattern); this server asks for none, but others beside it may not")
	}
	if i, err := os.Stat(dir); err == nil && i.Mode().Perm()&0o007 != 0 {
		say("%s can be read by every account of the machine; chmod o-rwx", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, NoteFile)); err != nil {
		say("%s is missing: sources and team cannot see that the keys are those of the case", NoteFile)
	}
	var st unix.Statfs_t
	if cfg, err := LoadConfig(dir); err != nil {
		say("%v", err)
	} else if unix.Statfs(dir, &st) == nil {
		if free := int64(st.Bavail) * int64(st.Bsize); free < cfg.Limits.Quota {
			say("%d GiB are free and the quota is %d GiB: the disk is full before the page says so; lower limits.quota", free>>30, cfg.Limits.Quota>>30)
		}
	}
	if os.Geteuid() == 0 {
		say("this runs as root; give the server an account of its own")
	}
	return faults
}

// swapDevices lists swap areas that are not on an encrypted device: a mapping
// of dm-crypt says so in its uuid; zram never leaves memory.
func swapDevices(swaps, class string) (out []string) {
	b, err := os.ReadFile(swaps)
	if err != nil {
		return nil
	}
	for i, line := range strings.Split(string(b), "\n") {
		f := strings.Fields(line)
		if i == 0 || len(f) < 2 {
			continue
		}
		real, err := filepath.EvalSymlinks(f[0])
		if err != nil {
			real = f[0]
		}
		name := filepath.Base(real)
		uuid, _ := os.ReadFile(filepath.Join(class, name, "dm", "uuid"))
		if f[1] == "partition" && (strings.HasPrefix(name, "zram") || strings.HasPrefix(string(uuid), "CRYPT-")) {
			continue
		}
		out = append(out, f[0])
	}
	return out
}
