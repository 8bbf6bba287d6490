package call

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// host is the machine that a call is served from, read below root so that a
// test can set one up.
type host struct {
	root   string
	torrc  string
	synced func() (bool, error) // whether the kernel knows its clock to be set
	limit  func() (uint64, error)
	root0  bool // runs as root
}

func thisHost(torrc string) host {
	if torrc == "" {
		torrc = "/etc/tor/torrc"
	}
	return host{root: "/", torrc: torrc, root0: os.Geteuid() == 0,
		synced: func() (bool, error) {
			var t unix.Timex
			state, err := unix.Adjtimex(&t)
			return state != unix.TIME_ERROR && t.Status&unix.STA_UNSYNC == 0, err
		},
		limit: func() (uint64, error) {
			var l unix.Rlimit
			err := unix.Getrlimit(unix.RLIMIT_CORE, &l)
			return l.Max, err
		},
	}
}

func (h host) read(path string) string {
	b, _ := os.ReadFile(filepath.Join(h.root, path))
	return string(b)
}

// CheckHost looks at the machine a call is served from and says, one sentence
// each, what weakens it: keys, swap, core dumps, logs, clock, permissions,
// space, other listeners, Tor's configuration. Nothing is changed. torrc is
// where Tor's configuration lies; empty is the usual place.
func CheckHost(dir, torrc string) []string { return thisHost(torrc).check(dir) }

func (h host) check(dir string) (faults []string) {
	say := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if err := RefuseIdentity(dir); err != nil {
		say("%v", err)
	}
	for _, d := range swapDevices(filepath.Join(h.root, "proc/swaps"), filepath.Join(h.root, "sys/class/block")) {
		say("swap %s is not known to be encrypted: memory of lane B can reach the disk; switch it off (swapoff -a, and out of /etc/fstab) or encrypt it", d)
	}
	for _, f := range []func() []string{h.dumps, h.logs, h.clock, h.listeners, h.tor} {
		faults = append(faults, f()...)
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
	if h.root0 {
		say("this runs as root; give the server an account of its own")
	}
	return faults
}

// dumps: the server asks for no core dump of itself; a program that collects
// the dumps of the whole machine may still be handed one of Tor's.
func (h host) dumps() (out []string) {
	if p := strings.TrimSpace(h.read("proc/sys/kernel/core_pattern")); strings.HasPrefix(p, "|") {
		out = append(out, "core dumps of this machine go to a program ("+firstWord(p[1:])+"): a crash of a program beside this server writes its memory to disk; set kernel.core_pattern=core and the limit of core files to 0")
	} else if most, err := h.limit(); err == nil && most != 0 {
		out = append(out, "core files are allowed here (limit not 0): this server asks for none, programs beside it may leave one; set \"* hard core 0\" in /etc/security/limits.conf")
	}
	if v := strings.TrimSpace(h.read("proc/sys/fs/suid_dumpable")); v == "1" {
		out = append(out, "fs.suid_dumpable is 1: programs that changed their account leave readable dumps; set it to 0")
	}
	return out
}

// logs: what a web server or the system's journal keeps of visits.
func (h host) logs() (out []string) {
	for _, dir := range []string{"etc/nginx", "etc/apache2", "etc/caddy", "etc/haproxy"} {
		keeps := ""
		off := false
		filepath.WalkDir(filepath.Join(h.root, dir), func(p string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			b, err := os.ReadFile(p)
			if err != nil {
				return nil
			}
			for line := range strings.Lines(string(b)) {
				f := strings.Fields(strings.TrimSuffix(strings.TrimSpace(line), ";"))
				if len(f) == 0 || strings.HasPrefix(f[0], "#") {
					continue
				}
				switch strings.ToLower(f[0]) {
				case "access_log":
					if len(f) > 1 && f[1] == "off" {
						off = true
					} else {
						keeps = p
					}
				case "customlog", "transferlog", "log":
					keeps = p
				}
			}
			return nil
		})
		if i, err := os.Stat(filepath.Join(h.root, dir)); err != nil || !i.IsDir() {
			continue
		}
		if keeps != "" || dir == "etc/nginx" && !off {
			out = append(out, fmt.Sprintf("the web server configured in /%s keeps a log of visits with addresses and times: turn it off (nginx: access_log off; in every block) and delete what is there", dir))
		}
	}
	if i, err := os.Stat(filepath.Join(h.root, "var/log/journal")); err == nil && i.IsDir() && !strings.Contains(h.journald(), "Storage=volatile") && !strings.Contains(h.journald(), "Storage=none") {
		out = append(out, "the journal of this machine is kept on disk, with the minute of each connection that Tor or a web server notes; set Storage=volatile in /etc/systemd/journald.conf")
	}
	return out
}

func (h host) journald() string {
	all := h.read("etc/systemd/journald.conf")
	more, _ := filepath.Glob(filepath.Join(h.root, "etc/systemd/journald.conf.d/*.conf"))
	for _, p := range more {
		b, _ := os.ReadFile(p)
		all += "\n" + string(b)
	}
	var out strings.Builder
	for line := range strings.Lines(all) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") {
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// clock: a wrong day in the store, and pulls refused that are signed now.
func (h host) clock() []string {
	if ok, err := h.synced(); err == nil && !ok {
		return []string{"the clock of this machine is not kept right (no NTP): the day of arrival may be wrong and the team's signed requests are refused when it is five minutes off; start systemd-timesyncd or chrony"}
	}
	return nil
}

// listeners: every port that other machines can reach is another way in.
func (h host) listeners() (out []string) {
	var ports []string
	for _, name := range []string{"proc/net/tcp", "proc/net/tcp6"} {
		sc := bufio.NewScanner(strings.NewReader(h.read(name)))
		for sc.Scan() {
			f := strings.Fields(sc.Text())
			if len(f) < 4 || f[3] != "0A" { // LISTEN
				continue
			}
			ip, port, ok := kernelAddr(f[1])
			if !ok || ip.IsLoopback() || slices.Contains(ports, port) {
				continue
			}
			ports = append(ports, port)
		}
	}
	if len(ports) > 0 {
		slices.SortFunc(ports, func(a, b string) int { x, _ := strconv.Atoi(a); y, _ := strconv.Atoi(b); return x - y })
		out = append(out, "other machines can reach these ports here: "+strings.Join(ports, ", ")+"; leave only what has to be open (ssh from one address, 443 where the pages are served in clear) and close the rest with a firewall")
	}
	return out
}

// kernelAddr reads an address as /proc/net/tcp writes it: words of 32 bits in
// the order of the machine (little-endian on every platform released), then the port.
func kernelAddr(s string) (ip netip.Addr, port string, ok bool) {
	host, p, found := strings.Cut(s, ":")
	n, err := strconv.ParseUint(p, 16, 16)
	if !found || err != nil || len(host) != 8 && len(host) != 32 {
		return ip, "", false
	}
	var b []byte
	for i := 0; i < len(host); i += 8 {
		w, err := strconv.ParseUint(host[i:i+8], 16, 32)
		if err != nil {
			return ip, "", false
		}
		b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
	}
	ip, ok = netip.AddrFromSlice(b)
	return ip.Unmap(), strconv.FormatUint(n, 10), ok
}

// tor: the configuration has to hold what Torrc prints, and nothing that takes
// anonymity or silence back.
func (h host) tor() (out []string) {
	path := filepath.Join(h.root, h.torrc)
	b, err := os.ReadFile(path)
	if err != nil {
		return []string{fmt.Sprintf("Tor's configuration %s cannot be read here: check it where Tor runs (sightline doctor --call DIR --torrc FILE)", h.torrc)}
	}
	have := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		if f := strings.Fields(line); len(f) > 0 {
			k := strings.ToLower(f[0])
			have[k] = append(have[k], strings.Join(f[1:], " "))
		}
	}
	has := func(key, value string) bool { return slices.Contains(have[strings.ToLower(key)], value) }
	if len(have["hiddenservicedir"]) == 0 {
		return []string{h.torrc + " has no onion service; append what \"sightline intake --torrc\" prints"}
	}
	for _, x := range []struct{ key, value, why string }{
		{"HiddenServicePoWDefensesEnabled", "1", "a flood reaches the server without any work done for it"},
		{"HiddenServiceExportCircuitID", "haproxy", "one visitor cannot be told from another, so that the limits of each circuit do not hold"},
		{"HiddenServiceEnableIntroDoSDefense", "1", "introduction points take any number of requests"},
		{"HiddenServiceMaxStreamsCloseCircuit", "1", "one circuit may hold any number of streams"},
	} {
		if !has(x.key, x.value) {
			out = append(out, fmt.Sprintf("%s lacks %q: %s", h.torrc, x.key+" "+x.value, x.why))
		}
	}
	for _, x := range []struct{ key, value, why string }{
		{"HiddenServiceSingleHopMode", "1", "the place of the server is no secret then"},
		{"HiddenServiceNonAnonymousMode", "1", "the place of the server is no secret then"},
		{"SafeLogging", "0", "addresses are written to Tor's log"},
	} {
		if has(x.key, x.value) {
			out = append(out, fmt.Sprintf("%s says %q: %s; take it out", h.torrc, x.key+" "+x.value, x.why))
		}
	}
	for _, l := range have["log"] {
		if strings.HasPrefix(l, "debug") || strings.HasPrefix(l, "info") {
			out = append(out, fmt.Sprintf("%s logs at the level %q, which names circuits; use notice", h.torrc, firstWord(l)))
		}
	}
	if h.root == "/" {
		if prog, err := exec.LookPath("tor"); err == nil {
			if said, err := exec.Command(prog, "--verify-config", "-f", path).CombinedOutput(); err != nil {
				out = append(out, "Tor refuses "+h.torrc+": "+lastLine(said))
			}
		}
	}
	return out
}

func firstWord(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return f[0]
	}
	return ""
}

func lastLine(b []byte) string {
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(lines[len(lines)-1])
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
