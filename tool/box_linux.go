package tool

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"
	"unsafe"

	seccomp "github.com/elastic/go-seccomp-bpf"
	"golang.org/x/sys/unix"
)

// system is what every program may read: itself, its libraries and the few
// files of configuration without which Debian's builds do not start.
var system = []string{
	"/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/sbin",
	"/etc/alternatives", "/etc/perl", "/etc/ld.so.cache", "/etc/fonts", "/etc/ImageMagick-6", "/etc/vips",
}

var (
	availableOnce sync.Once
	available     Sandbox
)

// Available returns the strongest sandbox that works here; it is tried, not
// assumed, because a container may forbid what the kernel can do.
func Available(ctx context.Context) Sandbox {
	availableOnce.Do(func() {
		available = None
		if path, err := exec.LookPath("bwrap"); err == nil {
			c, cancel := context.WithTimeout(ctx, 10*time.Second)
			defer cancel()
			args := append(bwrapArgs(Cmd{}), "/usr/bin/env")
			if exec.CommandContext(c, path, args...).Run() == nil {
				available = Bwrap
				return
			}
		}
		if landlockABI() >= 1 && seccomp.Supported() {
			available = Landlock
		}
	})
	return available
}

func landlockABI() int {
	v, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if e != 0 {
		return 0
	}
	return int(v)
}

func bwrapArgs(c Cmd) []string {
	a := []string{"--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--clearenv"}
	for _, e := range cleanEnv() {
		for i := range e {
			if e[i] == '=' {
				a = append(a, "--setenv", e[:i], e[i+1:])
				break
			}
		}
	}
	for _, p := range system {
		fi, err := os.Lstat(p)
		switch {
		case err != nil:
		case fi.Mode()&os.ModeSymlink != 0:
			if to, err := os.Readlink(p); err == nil {
				a = append(a, "--symlink", to, p)
			}
		default:
			a = append(a, "--ro-bind", p, p)
		}
	}
	a = append(a, "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp")
	for _, p := range c.Read {
		a = append(a, "--ro-bind", p, p)
	}
	if c.Dir != "" {
		a = append(a, "--bind", c.Dir, c.Dir, "--chdir", c.Dir)
	} else {
		a = append(a, "--chdir", "/")
	}
	return append(a, "--")
}

// limited puts the resource limits in front of argv. A shell does it, because
// limits belong to a process and ours must keep its own.
func limited(lim Limits, argv []string) *exec.Cmd {
	cpu := int64(lim.CPU/time.Second) + 1
	script := fmt.Sprintf(`ulimit -c 0; ulimit -t %d; ulimit -v %d; ulimit -f %d; ulimit -n 256; exec "$@"`,
		cpu, lim.Memory>>10, lim.File>>9)
	cmd := exec.Command("/bin/sh", append([]string{"-c", script, "sh"}, argv...)...)
	cmd.Env = cleanEnv()
	ownGroup(cmd)
	return cmd
}

func (b *Box) confined(p *Program, c Cmd, lim Limits) (*exec.Cmd, error) {
	switch b.kind {
	case Bwrap:
		bw, err := exec.LookPath("bwrap")
		if err != nil {
			return nil, fmt.Errorf("bwrap has gone since it was last used: %w", err)
		}
		argv := append([]string{bw}, bwrapArgs(c)...)
		if !within(p.Path, system) {
			// The program lives outside the system folders: lend it as well.
			argv = append(argv[:len(argv)-1], "--ro-bind", p.home(), p.home(), "--")
		}
		// Processes are counted inside: there only the sandbox's own count. The
		// kernel does not hold root to this limit; the limit of time ends a bomb then.
		argv = append(argv, "/bin/sh", "-c", `ulimit -u 1024 2>/dev/null || ulimit -p 1024 2>/dev/null; exec "$@"`, "sh")
		return limited(lim, append(append(argv, p.Path), c.Args...)), nil
	case Landlock:
		self, err := os.Executable()
		if err != nil {
			return nil, fmt.Errorf("failed to find our own program for the sandbox: %w", err)
		}
		read := append([]string{}, c.Read...)
		if !within(p.Path, system) {
			read = append(read, p.home())
		}
		spec, err := json.Marshal(childSpec{Path: p.Path, Args: c.Args, Read: read, Dir: c.Dir, Memory: lim.Memory})
		if err != nil {
			return nil, err
		}
		// The address space is limited by the child itself, just before it
		// becomes the program: a Go runtime reserves more than some limits.
		own := lim
		own.Memory = 64 << 40
		cmd := limited(own, []string{self})
		cmd.Dir = c.Dir
		cmd.Env = append(cmd.Env, childEnv+"="+string(spec))
		return cmd, nil
	}
	return nil, ErrNoSandbox
}

func within(path string, roots []string) bool {
	for _, r := range roots {
		if path == r || (len(path) > len(r) && path[:len(r)] == r && path[len(r)] == '/') {
			return true
		}
	}
	return false
}

// childEnv marks a copy of ourselves that is about to become a program in the
// Landlock sandbox.
const childEnv = "SIGHTLINE_BOX"

type childSpec struct {
	Path   string   `json:"path"`
	Args   []string `json:"args"`
	Read   []string `json:"read"`
	Dir    string   `json:"dir"`
	Memory int64    `json:"memory"`
}

// init turns a process that was started as a sandbox into the program it is
// meant to hold. It stands in init, and not behind a verb, so that it works in
// every binary that imports this package, test binaries included, and before
// any of them has opened anything.
func init() {
	raw, ok := os.LookupEnv(childEnv)
	if !ok {
		return
	}
	err := becomeConfined([]byte(raw))
	fmt.Fprintln(os.Stderr, "sandbox:", err)
	os.Exit(125)
}

func becomeConfined(raw []byte) error {
	var s childSpec
	if err := json.Unmarshal(raw, &s); err != nil {
		return fmt.Errorf("failed to read what to run: %w", err)
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("failed to give up new privileges: %w", err)
	}
	read := append([]string{"/dev/urandom", "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system/cpu"}, system...)
	write := []string{"/dev/null"}
	if s.Dir != "" {
		write = append(write, s.Dir)
	}
	if err := restrictFiles(append(read, s.Read...), write); err != nil {
		return fmt.Errorf("failed to restrict the file system: %w", err)
	}
	deny := seccomp.Filter{NoNewPrivs: true, Flag: seccomp.FilterFlagTSync, Policy: seccomp.Policy{
		DefaultAction: seccomp.ActionAllow,
		Syscalls: []seccomp.SyscallGroup{{
			Action: seccomp.ActionErrno,
			Names: []string{"socket", "socketpair", "connect", "bind", "listen", "accept", "accept4", "ptrace", "mount", "umount2",
				"process_vm_readv", "process_vm_writev", "unshare", "setns", "bpf", "keyctl", "add_key", "request_key",
				"perf_event_open", "userfaultfd", "kexec_load", "init_module", "finit_module", "io_uring_setup"},
		}},
	}}
	if err := seccomp.LoadFilter(deny); err != nil {
		return fmt.Errorf("failed to restrict the system calls: %w", err)
	}
	env := cleanEnv()
	if s.Dir != "" {
		for i, e := range env {
			if e == "TMPDIR=/tmp" {
				env[i] = "TMPDIR=" + s.Dir // /tmp is not writable in here
			}
		}
	}
	lim := &unix.Rlimit{Cur: uint64(s.Memory), Max: uint64(s.Memory)}
	if err := unix.Setrlimit(unix.RLIMIT_AS, lim); err != nil {
		return fmt.Errorf("failed to limit the memory: %w", err)
	}
	return syscall.Exec(s.Path, append([]string{s.Path}, s.Args...), env)
}

const (
	landlockRead  = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_READ_DIR
	landlockWrite = landlockRead | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_REMOVE_DIR | unix.LANDLOCK_ACCESS_FS_REMOVE_FILE |
		unix.LANDLOCK_ACCESS_FS_MAKE_CHAR | unix.LANDLOCK_ACCESS_FS_MAKE_DIR | unix.LANDLOCK_ACCESS_FS_MAKE_REG | unix.LANDLOCK_ACCESS_FS_MAKE_SOCK |
		unix.LANDLOCK_ACCESS_FS_MAKE_FIFO | unix.LANDLOCK_ACCESS_FS_MAKE_BLOCK | unix.LANDLOCK_ACCESS_FS_MAKE_SYM
	landlockFileOnly = unix.LANDLOCK_ACCESS_FS_EXECUTE | unix.LANDLOCK_ACCESS_FS_READ_FILE | unix.LANDLOCK_ACCESS_FS_WRITE_FILE | unix.LANDLOCK_ACCESS_FS_TRUNCATE
)

// restrictFiles leaves this thread the given paths and nothing else of the
// file system. Only the thread that goes on to exec needs it, so the three
// system calls are made directly; init runs on the main thread.
func restrictFiles(read, write []string) error {
	handled := uint64(landlockWrite)
	abi := landlockABI()
	if abi >= 2 {
		handled |= unix.LANDLOCK_ACCESS_FS_REFER
	}
	if abi >= 3 {
		handled |= unix.LANDLOCK_ACCESS_FS_TRUNCATE
	}
	attr := unix.LandlockRulesetAttr{Handled_access_fs: handled}
	fd, _, e := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr.Handled_access_fs), 0)
	if e != 0 {
		return e
	}
	defer unix.Close(int(fd))
	add := func(path string, access uint64) error {
		f, err := unix.Open(path, unix.O_PATH|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil // what is not there needs no permission
		}
		defer unix.Close(f)
		var st unix.Stat_t
		if err := unix.Fstat(f, &st); err != nil {
			return err
		}
		if st.Mode&unix.S_IFMT != unix.S_IFDIR {
			access &= landlockFileOnly
		}
		rule := unix.LandlockPathBeneathAttr{Allowed_access: access & handled, Parent_fd: int32(f)}
		_, _, e := unix.Syscall6(unix.SYS_LANDLOCK_ADD_RULE, fd, unix.LANDLOCK_RULE_PATH_BENEATH, uintptr(unsafe.Pointer(&rule)), 0, 0, 0)
		if e != 0 {
			return fmt.Errorf("%s: %w", path, e)
		}
		return nil
	}
	for _, p := range read {
		if err := add(p, landlockRead); err != nil {
			return err
		}
	}
	for _, p := range write {
		if err := add(p, handled); err != nil {
			return err
		}
	}
	if _, _, e := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, fd, 0, 0); e != 0 {
		return e
	}
	return nil
}

func ownGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}

func killTree(cmd *exec.Cmd) {
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		_ = cmd.Process.Kill()
	}
}
