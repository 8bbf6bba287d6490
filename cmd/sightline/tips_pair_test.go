package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// at runs verbs as another person on another machine.
func (c *crew) at(home, name string) {
	c.t.Setenv("SIGHTLINE_HOME", c.path(home))
	c.t.Setenv("SIGHTLINE_NAME", name)
}

// In a case that demands two people neither opens a tip alone, whatever they
// hold on their own machine; together they do, in one room or apart, and the
// log names both.
func TestTwoPeopleOpenATip(t *testing.T) {
	c := newCrew(t)
	ana := os.Getenv("SIGHTLINE_HOME")
	share := []string{"--case", c.path("case"), "--call", c.path("call")}
	pass := []string{"--passphrase-file", c.path("pass")}
	q := []string{"--quarantine", c.path("q")}
	with := func(args []string, more ...[]string) []string {
		for _, m := range more {
			args = append(args, m...)
		}
		return args
	}
	// What came before the rule is sealed to Ana's own key.
	sources, team := c.serve()
	c.post(sources+"/send", "lang", "es", "message", "BEFORE")
	c.ok(c.tips("pull", "--server", team)...)

	// Beto's machine has Beto's ordinary key; the pair is made between the two.
	c.at("beto-home", "Beto")
	c.write("beto2.keys", c.ok(with([]string{"key", "new", "Beto alone"}, pass)...))
	t.Setenv("SIGHTLINE_HOME", ana)
	t.Setenv("SIGHTLINE_NAME", "Ana")
	c.write("invitation", c.ok(with([]string{"key", "pair", "invite", "Ana and Beto", c.path("beto2.keys")}, pass)...))
	c.no(1, "not for a key of this machine", with([]string{"key", "pair", "accept", "x", c.path("invitation")}, pass)...)
	c.at("beto-home", "Beto")
	c.write("answer", c.ok(with([]string{"key", "pair", "accept", "Ana and Beto", c.path("invitation")}, pass)...))
	t.Setenv("SIGHTLINE_HOME", ana)
	t.Setenv("SIGHTLINE_NAME", "Ana")
	c.no(2, "begins with SLANSWER1", with([]string{"key", "pair", "finish", "Ana and Beto", c.path("invitation")}, pass)...)
	c.write("pair.keys", c.ok(with([]string{"key", "pair", "finish", "Ana and Beto", c.path("answer")}, pass)...))
	c.no(2, "not a pair that waits", with([]string{"key", "pair", "finish", "Ana and Beto", c.path("answer")}, pass)...)

	c.write("case/tips/rules.json", `{"two_people":true}`)
	c.no(3, "one person holds", append([]string{"key", "share", c.path("pair.keys")}, share...)...)
	os.Remove(c.path("case/tips/rules.json"))
	c.ok(append([]string{"key", "share", c.path("pair.keys")}, share...)...)
	c.ok(append([]string{"key", "revoke", "Ana"}, share...)...)
	c.ok(append([]string{"key", "revoke", "Beto"}, share...)...)
	c.write("case/tips/rules.json", `{"two_people":true}`)
	c.ok(append([]string{"key", "share"}, share...)...)

	c.no(3, "has to be sealed again first", c.tips("open", with([]string{"T-001"}, pass, q)...)...)
	if out := c.ok(c.tips("reseal", with([]string{"--call", c.path("call")}, pass)...)...); !strings.Contains(out, "1 waiting tips") {
		t.Errorf("reseal: %s", out)
	}

	sources2, team2 := c.serve()
	c.post(sources2+"/send", "lang", "es", "message", "AFTER SLCANARY")
	c.ok(c.tips("pull", "--server", team2)...)
	for _, id := range []string{"T-001", "T-002"} {
		c.no(3, "does not open by your half", c.tips("open", with([]string{id}, pass, q)...)...)
	}
	if _, err := os.Stat(c.path("q/T-002")); err == nil {
		t.Error("an opening alone leaves a quarantine")
	}

	// Apart: Beto helps with one tip on his own machine.
	c.at("beto-home", "Beto")
	c.no(2, "0 halves", c.tips("assist", with([]string{"T-002", "--key", "Beto alone"}, pass)...)...)
	help := c.ok(c.tips("assist", with([]string{"T-002"}, pass)...)...)
	c.write("help", help)
	c.no(3, "does not open by your half", c.tips("open", with([]string{"T-002"}, pass, q)...)...)
	t.Setenv("SIGHTLINE_HOME", ana)
	t.Setenv("SIGHTLINE_NAME", "Ana")
	c.no(3, "does not open by your half", c.tips("open", with([]string{"T-001", "--help-of", c.path("help")}, pass, q)...)...)
	c.write("nohelp", `{"v":1,"by":"Beto","parts":[]}`)
	c.no(3, "does not open by your half", c.tips("open", with([]string{"T-002", "--help-of", c.path("nohelp")}, pass, q)...)...)
	c.write("nothelp", `hello`)
	c.no(2, "tips assist", c.tips("open", with([]string{"T-002", "--help-of", c.path("nothelp")}, pass, q)...)...)
	if out := c.ok(c.tips("open", with([]string{"T-002", "--help-of", c.path("help")}, pass, q)...)...); !strings.Contains(out, "AFTER") {
		t.Errorf("together, apart: %s", out)
	}
	var line struct {
		Opened []struct{ By, Second string }
	}
	b, _ := os.ReadFile(c.path("case/tips/T-002.json"))
	if err := json.Unmarshal(b, &line); err != nil || len(line.Opened) != 1 || line.Opened[0].By != "Ana" || line.Opened[0].Second != "Beto" {
		t.Errorf("who opened: %s", b)
	}

	// A file that borrows the header of another tip to get help for that one.
	stolen, _ := os.ReadFile(c.path("case/tips/T-002.age"))
	c.write("trick.age", string(stolen)+"x")
	c.no(3, "repeats a part of the header of T-002", c.tips("assist", with([]string{c.path("trick.age"), "--key", "Ana and Beto"}, pass)...)...)

	// In one room: Beto's half is on the same machine, under his passphrase.
	half, err := os.ReadFile(filepath.Join(c.path("beto-home"), "tips", "Ana and Beto"+identitySuffix))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ana, "tips", "half of Beto"+identitySuffix), half, 0o600); err != nil {
		t.Fatal(err)
	}
	c.write("pass2", "another passphrase\n")
	c.no(2, "does not open", c.tips("open", with([]string{"T-001", "--key", "Ana and Beto", "--with", "half of Beto", "--with-passphrase-file", c.path("pass2")}, pass, q)...)...)
	if out := c.ok(c.tips("open", with([]string{"T-001", "--key", "Ana and Beto", "--with", "half of Beto", "--with-passphrase-file", c.path("pass")}, pass, q)...)...); !strings.Contains(out, "BEFORE") {
		t.Errorf("together in one room: %s", out)
	}

	// The drill and the backup know pairs as well.
	drill := append([]string{"tips", "drill", "--key", "Ana and Beto", "--with", "half of Beto", "--with-passphrase-file", c.path("pass")}, append(append(share, pass...), q...)...)
	c.ok(drill...)
	if out := c.ok(append(drill, "--open")...); strings.Contains(out, "never") {
		t.Errorf("drill: %s", out)
	}
	c.no(2, "two people have to replace", append([]string{"key", "rotate", "Ana and Beto"}, append(share, pass...)...)...)
	c.ok(with([]string{"key", "backup", "Ana and Beto", "--need", "2", "--of", "2", "--out", c.path("shares")}, pass)...)
	l, _ := filepath.Glob(c.path("shares/*"))
	c.ok(with([]string{"key", "restore", "again", l[0], l[1]}, pass)...)
	c.ok(c.tips("open", with([]string{"T-001", "--key", "again", "--with", "half of Beto", "--with-passphrase-file", c.path("pass")}, pass, q)...)...)

	// A half is a secret that no server may hold.
	c.write("call/half.txt", "SLHALF1 00\n")
	c.no(2, "holds a secret key", "key", "share", "--case", c.path("case"), "--call", c.path("call"))
	os.Remove(c.path("call/half.txt"))
	c.ok("check", c.path("case"))
	if regexp.MustCompile("SLCANARY").Match(readAll(t, c.path("case/tips"))) {
		t.Error("the inbox holds plaintext")
	}
}

func readAll(t *testing.T, dir string) (all []byte) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		if b, err := os.ReadFile(n); err == nil {
			all = append(all, b...)
		}
	}
	return all
}
