package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"filippo.io/age"

	"sightline/archive"
	"sightline/call/inbox"
	"sightline/digest"
	"sightline/intake"
	"sightline/tip"
)

// tipsCmd is the team's inbox of a call for evidence.
type tipsCmd struct {
	Pull    tipsPullCmd    `cmd:"" help:"Fetch what came, as ciphertext; from a server, or from its folder on a stick."`
	List    tipsListCmd    `cmd:"" help:"Show the inbox: number, pseudonym, day, size, state."`
	Open    tipsOpenCmd    `cmd:"" help:"Decrypt a tip into quarantine, on the machine that holds the key."`
	Assist  tipsAssistCmd  `cmd:"" help:"Second person of a pair: help to open one tip, and no other."`
	Accept  tipsAcceptCmd  `cmd:"" help:"Make items of an opened tip, linked to the request that they answer."`
	Close   tipsCloseCmd   `cmd:"" help:"Close a request (gap) with a verified item that answers it."`
	Decline tipsDeclineCmd `cmd:"" help:"Decide against a tip, with the reason."`
	Reply   tipsReplyCmd   `cmd:"" help:"Answer a source; sealed so that only the receipt code opens it."`
	Merge   tipsMergeCmd   `cmd:"" help:"Give several tips of one source one pseudonym."`
	Forget  tipsForgetCmd  `cmd:"" help:"Delete the content of tips for good; a line and an entry stay."`
	Form    tipsFormCmd    `cmd:"" help:"Take what came by hand (WhatsApp, Signal, mail, stick, paper) as a tip."`
	Reseal  tipsResealCmd  `cmd:"" help:"Seal what waits to the recipients of today, after a key left."`
	Drill   tipsDrillCmd   `cmd:"" help:"Prove that the team can still open tips."`
}

type tipsPullCmd struct {
	inCase `embed:""`
	Server string `placeholder:"ADDR" help:"Second door of the server: unix:PATH or http://HOST."`
	Proxy  string `placeholder:"ADDR" help:"Tor's SOCKS address for an onion service: socks5h://127.0.0.1:9050."`
	From   string `type:"path" placeholder:"DIR" help:"Folder of the call, brought on a stick, instead of a server."`
}

func (c *tipsPullCmd) Run(e *env) error {
	if c.Server != "" && c.From != "" {
		return exit(2, errors.New("say where from: --server ADDR or --from DIR, not both"))
	}
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := newTipWork(f, f.Actor, "")
	if err != nil {
		return err
	}
	if c.From != "" {
		return pullFolder(e, w, c.From)
	}
	p, err := w.puller(c.Server, c.Proxy)
	if err != nil {
		return err
	}
	got, err := w.pull(e.ctx, p)
	for _, t := range got.Fresh {
		fmt.Fprintln(e.stdout, tipLine(t))
	}
	for _, t := range got.Withdrawn {
		fmt.Fprintf(e.stderr, "%s: its source asks that it be deleted. \"sightline tips forget %s\" does so; items made of it are erased with \"sightline erase\".\n", t.ID, t.ID)
	}
	for _, why := range got.Failed {
		fmt.Fprintln(e.stderr, why)
	}
	if err != nil {
		return err
	}
	if got.Late > 0 {
		fmt.Fprintf(e.stderr, "%d tips had waited at the server for three days or more\n", got.Late)
	}
	if n := len(got.Failed); n > 0 {
		return exit(1, fmt.Errorf("%d tips were not fetched; they are still at the server", n))
	}
	return nil
}

// pullFolder takes the ciphertexts of a call's folder. Nothing is deleted
// there: who carries the stick decides.
func pullFolder(e *env, w *tipWork, dir string) error {
	names, err := filepath.Glob(filepath.Join(dir, "tips", "*.age"))
	if err != nil {
		return err
	}
	if len(names) == 0 {
		if _, err := os.Stat(filepath.Join(dir, "tips")); err != nil {
			return exit(2, fmt.Errorf("%s is not the folder of a call: it has no folder tips", dir))
		}
	}
	for _, n := range names {
		day := ""
		if i, err := os.Stat(n); err == nil {
			day = i.ModTime().UTC().Format(time.DateOnly)
		}
		t, fresh, err := takeFile(w.b, n, inbox.Tip{Remote: strings.TrimSuffix(filepath.Base(n), ".age"), Day: day, Channel: "stick"})
		if err != nil {
			return err
		}
		if fresh {
			if err := w.received(e.ctx, t); err != nil {
				return err
			}
			fmt.Fprintln(e.stdout, tipLine(t))
		}
	}
	return nil
}

func takeFile(b *inbox.Inbox, path string, t inbox.Tip) (inbox.Tip, bool, error) {
	r, err := os.Open(path)
	if err != nil {
		return t, false, exit(2, err)
	}
	defer r.Close()
	return b.Take(t, func(w io.Writer) error {
		_, err := io.Copy(w, r)
		return err
	})
}

func tipLine(t inbox.Tip) string {
	day := t.Day
	if d, err := time.Parse(time.DateOnly, t.Day); err == nil {
		day = d.Format("Monday 2006-01-02")
	}
	who := t.Source
	if t.Drill != "" {
		who = "test"
	}
	line := fmt.Sprintf("%s  %s  %-9s  %s, %s", t.ID, who, t.State, inbox.Bucket(t.Size), day)
	if len(t.Files) > 0 {
		line += fmt.Sprintf(", %d files", len(t.Files))
	}
	if t.Incomplete != "" {
		line += ", incomplete: " + t.Incomplete
	}
	if t.Request != "" {
		line += ", answers " + t.Request
	}
	if len(t.Items) > 0 {
		line += ", " + strings.Join(t.Items, " ")
	}
	return line
}

type tipsListCmd struct {
	inCase `embed:""`
	JSON   bool `help:"Print the lines as JSON."`
}

func (c *tipsListCmd) Run(e *env) error {
	f, err := c.open(archive.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := openInbox(f)
	if err != nil {
		return err
	}
	list, err := b.List()
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(e.stdout).Encode(list)
	}
	for _, t := range list {
		fmt.Fprintln(e.stdout, tipLine(t))
	}
	waiting, err := b.Unopened()
	if err != nil {
		return err
	}
	for _, t := range waiting {
		fmt.Fprintf(e.stderr, "%s has waited unopened since %s\n", t.ID, t.Day)
	}
	due, err := b.Due()
	if err != nil {
		return err
	}
	for _, t := range due {
		fmt.Fprintf(e.stderr, "%s is to be deleted (%s): sightline tips forget --due\n", t.ID, t.State)
	}
	return nil
}

// quarantinePlace is where plaintext may lie: memory where the system has a
// file system for it, else beside the ciphertext. Each inbox has a place of its
// own: numbers of tips are the same in every case.
func quarantinePlace(b *inbox.Inbox) string {
	if runtime.GOOS == "linux" {
		dir := fmt.Sprintf("/dev/shm/sightline-%d", os.Getuid())
		if os.MkdirAll(dir, 0o700) == nil {
			if i, err := os.Lstat(dir); err == nil && i.IsDir() && i.Mode().Perm() == 0o700 {
				whose := b.Dir
				if abs, err := filepath.Abs(whose); err == nil {
					whose = abs
				}
				return filepath.Join(dir, digest.Of([]byte(whose)).String()[:16])
			}
		}
	}
	return filepath.Join(b.Dir, "open")
}

// atQuarantine is a flag group.
type atQuarantine struct {
	Quarantine string `type:"path" placeholder:"DIR" help:"Where plaintext lies until it is decided. Default: memory (/dev/shm) where there is one."`
}

func (q *atQuarantine) quarantine(b *inbox.Inbox) string {
	if q.Quarantine != "" {
		return q.Quarantine
	}
	return quarantinePlace(b)
}

type tipsOpenCmd struct {
	inCase       `embed:""`
	opener       `embed:""`
	atQuarantine `embed:""`
	Tip          string `arg:"" help:"Number of a tip (T-001), or a file that was sealed with age and came some other way."`
}

func (c *tipsOpenCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := newTipWork(f, f.Actor, c.Quarantine)
	if err != nil {
		return err
	}
	t, err := w.find(e, c.Tip)
	if err != nil {
		return err
	}
	u, err := c.unlock(e)
	if err != nil {
		return err
	}
	content, t, err := w.open(e.ctx, t, u)
	if err != nil {
		return err
	}
	printContent(e.stdout, t, content)
	return nil
}

// find gives a tip by number; a file that somebody sealed is taken in first.
func (w *tipWork) find(e *env, name string) (inbox.Tip, error) {
	if strings.HasPrefix(name, "T-") {
		t, err := w.b.Get(name)
		if err != nil {
			return t, exit(2, err)
		}
		return t, nil
	}
	t, fresh, err := takeFile(w.b, name, inbox.Tip{Channel: "file"})
	if err == nil && fresh {
		err = w.received(e.ctx, t)
	}
	return t, err
}

// tipsAssistCmd is the second person's part, on their own machine.
type tipsAssistCmd struct {
	inCase `embed:""`
	secret `embed:""`
	Key    string `placeholder:"NAME" help:"Your half of the pair. Default: the one that the passphrase opens."`
	Tip    string `arg:"" help:"Number of a tip, or the file with its ciphertext."`
}

func (c *tipsAssistCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := newTipWork(f, f.Actor, "")
	if err != nil {
		return err
	}
	t, err := w.find(e, c.Tip)
	if err != nil {
		return err
	}
	pass, err := c.passphrase(e, false)
	if err != nil {
		return err
	}
	keys, err := ownKeys(c.Key, pass)
	if err != nil {
		return err
	}
	h, err := w.assist(e.ctx, t, keys)
	if err != nil {
		return err
	}
	return json.NewEncoder(e.stdout).Encode(h)
}

// tipsCloseCmd closes a request with what came for it.
type tipsCloseCmd struct {
	inCase `embed:""`
	Gap    string `arg:"" help:"Request (gap) of the case."`
	Item   string `arg:"" optional:"" help:"Verified item that answers it. Without one, the request is open again."`
	Reason string `help:"Why; kept sealed." placeholder:"TEXT"`
}

func (c *tipsCloseCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := newTipWork(f, f.Actor, "")
	if err != nil {
		return err
	}
	if err := w.closeGap(e.ctx, c.Gap, c.Item, c.Reason); err != nil {
		return exit(3, err)
	}
	if c.Item == "" {
		fmt.Fprintf(e.stdout, "%s is asked again; \"sightline key share\" brings the pages of the call up to date\n", c.Gap)
		return nil
	}
	fmt.Fprintf(e.stdout, "%s is closed by %s; \"sightline key share\" takes it off the pages of the call\n", c.Gap, c.Item)
	return nil
}

func printContent(w io.Writer, t inbox.Tip, c *inbox.Content) {
	fmt.Fprintln(w, tipLine(t))
	if c.Tip.Message != "" {
		fmt.Fprintln(w, "message:")
		for line := range strings.SplitSeq(c.Tip.Message, "\n") {
			fmt.Fprintln(w, "    "+intake.Printable(line))
		}
	}
	if s := c.Tip.Join.Wish; s != "" {
		fmt.Fprintln(w, "wish:     ", intake.Printable(s))
	}
	for i, f := range c.Tip.Files {
		line := fmt.Sprintf("%s  %d bytes  sha256 %s", c.Path(i+1), f.Size, f.SHA256)
		if f.Fault != "" {
			line += "  " + f.Fault
		}
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "Open nothing of it by hand: \"sightline tips accept %s\" takes it into the case, where it is read in the sandbox.\n", t.ID)
}

// opened is what lies in quarantine as content.json.
type openedContent struct {
	Of    string   `json:"of"` // digest of the ciphertext it came from
	Tip   *tip.Tip `json:"tip"`
	Names []string `json:"names"`
	MIMEs []string `json:"mimes"`
	Times []string `json:"times"`
}

func saveContent(t inbox.Tip, c *inbox.Content) error {
	p, err := json.Marshal(openedContent{t.SHA256, c.Tip, c.Names, c.MIMEs, c.Changed})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.Dir, "content.json"), p, 0o600)
}

func loadContent(dir string, t inbox.Tip) (*inbox.Content, error) {
	c := &inbox.Content{Dir: filepath.Join(dir, t.ID)}
	p, err := os.ReadFile(filepath.Join(c.Dir, "content.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, exit(2, fmt.Errorf("%s is not open on this machine; run \"sightline tips open %s\" first", t.ID, t.ID))
	}
	if err != nil {
		return nil, err
	}
	var o openedContent
	if err := json.Unmarshal(p, &o); err != nil {
		return nil, err
	}
	if o.Of != t.SHA256 {
		return nil, exit(2, fmt.Errorf("what lies open as %s on this machine belongs to another tip; run \"sightline tips open %s\"", t.ID, t.ID))
	}
	c.Tip, c.Names, c.MIMEs, c.Changed = o.Tip, o.Names, o.MIMEs, o.Times
	return c, nil
}

type tipsDeclineCmd struct {
	inCase       `embed:""`
	atQuarantine `embed:""`
	Tip          string `arg:"" help:"Number of the tip."`
	Reason       string `required:"" help:"Why; kept in the inbox and sealed in the log." placeholder:"TEXT"`
}

func (c *tipsDeclineCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := newTipWork(f, f.Actor, c.Quarantine)
	if err != nil {
		return err
	}
	t, err := w.b.Get(c.Tip)
	if err != nil {
		return exit(2, err)
	}
	if _, err := w.decline(e.ctx, t, c.Reason); err != nil {
		return err
	}
	rules, err := w.b.Rules()
	if err == nil {
		fmt.Fprintf(e.stdout, "%s is declined; it is deleted after %d days by \"sightline tips forget --due\"\n", t.ID, rules.KeepDays)
	}
	return err
}

type tipsMergeCmd struct {
	inCase `embed:""`
	Tips   []string `arg:"" help:"Numbers of tips that come from one source."`
}

func (c *tipsMergeCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := newTipWork(f, f.Actor, "")
	if err != nil {
		return err
	}
	s, err := w.merge(e.ctx, c.Tips)
	if err == nil {
		fmt.Fprintf(e.stdout, "%s come from %s\n", strings.Join(c.Tips, ", "), s)
	}
	return err
}

type tipsForgetCmd struct {
	inCase       `embed:""`
	atQuarantine `embed:""`
	Tips         []string `arg:"" optional:"" help:"Numbers of tips."`
	Due          bool     `help:"All whose time has come: declined long enough ago, or withdrawn by their source."`
}

func (c *tipsForgetCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := newTipWork(f, f.Actor, c.Quarantine)
	if err != nil {
		return err
	}
	if (len(c.Tips) == 0) == !c.Due {
		return exit(2, errors.New("name tips, or say --due"))
	}
	var list []inbox.Tip
	if c.Due {
		if list, err = w.b.Due(); err != nil {
			return err
		}
	}
	for _, id := range c.Tips {
		t, err := w.b.Get(id)
		if err != nil {
			return exit(2, err)
		}
		list = append(list, t)
	}
	for _, t := range list {
		if err := w.forget(e.ctx, t); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s is deleted here\n", t.ID)
		if len(t.Items) > 0 {
			fmt.Fprintf(e.stderr, "%s became %s, which stay: \"sightline erase\" takes them out\n", t.ID, strings.Join(t.Items, ", "))
		}
	}
	return nil
}

type tipsResealCmd struct {
	inCase `embed:""`
	opener `embed:""`
	Call   string `required:"" type:"path" placeholder:"DIR" help:"Folder of the call."`
}

func (c *tipsResealCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	rs, err := checkKeys(e.ctx, f, c.Call)
	if err != nil {
		return exit(1, err)
	}
	u, err := c.unlock(e)
	if err != nil {
		return err
	}
	// Nothing is shown here, so that a key of one person may seal its tips
	// again to pairs when a case begins to demand two people.
	ids, err := u.identities(false)
	if err != nil {
		return err
	}
	return resealAll(e, f, ids, rs)
}

type tipsFormCmd struct {
	inCase `embed:""`
	Call   string   `type:"path" placeholder:"DIR" help:"Folder of the call: its recipients are whom this is sealed to. Default: as tips/rules.json says."`
	Form   string   `arg:"" type:"path" help:"The answers, JSON (docs/formats/tip.md)."`
	Files  []string `arg:"" optional:"" type:"path" help:"What was handed over."`
}

func (c *tipsFormCmd) Run(e *env) error {
	p, err := os.ReadFile(c.Form)
	if err != nil {
		return exit(2, fmt.Errorf("the form cannot be read: %w", err))
	}
	if _, err := inbox.ReadForm(p); err != nil {
		return exit(2, fmt.Errorf("%s: %w", c.Form, err))
	}
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	w, err := newTipWork(f, f.Actor, "")
	if err != nil {
		return err
	}
	t, err := w.form(e.ctx, c.Call, p, c.Files)
	if err != nil {
		return err
	}
	fmt.Fprintln(e.stdout, tipLine(t))
	fmt.Fprintln(e.stderr, "The form and the files that were handed over are still where they were; delete them when the tip has been opened and checked.")
	return nil
}

// tipsDrillCmd proves, key by key, that a test tip can be opened.
type tipsDrillCmd struct {
	inCase       `embed:""`
	opener       `embed:""`
	atQuarantine `embed:""`
	Call         string `required:"" type:"path" placeholder:"DIR" help:"Folder of the call."`
	Open         bool   `help:"Open the newest test tip of each key of this machine. Without it, new test tips are made, one for each recipient."`
	Status       bool   `help:"Only say which keys opened one, and when."`
}

const drillText = "test tip of Sightline"

func (c *tipsDrillCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	rs, err := checkKeys(e.ctx, f, c.Call)
	if err != nil {
		return exit(1, err)
	}
	b, err := openInbox(f)
	if err != nil {
		return err
	}
	switch {
	case c.Open:
		if err := c.openDrills(e, f, b); err != nil {
			return err
		}
	case !c.Status:
		for _, r := range rs {
			t, _, err := b.Take(inbox.Tip{Drill: r.Print(), Channel: "test"}, func(w io.Writer) error {
				return inbox.Bundle(w, []age.Recipient{r.Age}, drillText, nil, tip.Join{At: b.Day(), Lane: "D"})
			})
			if err != nil {
				return err
			}
			fmt.Fprintf(e.stdout, "%s for %s\n", t.ID, r.Name)
		}
	}
	last, late, err := b.DrillState(rs)
	if err != nil {
		return err
	}
	for _, r := range rs {
		day := last[r.Print()]
		if day == "" {
			day = "never"
		}
		fmt.Fprintf(e.stdout, "%s  last opened a test tip: %s\n", r.Name, day)
	}
	if len(late) > 0 && (c.Open || c.Status) {
		return exit(1, fmt.Errorf("%d of %d keys have not opened a test tip for too long; find out whether their holders still can", len(late), len(rs)))
	}
	return nil
}

func (c *tipsDrillCmd) openDrills(e *env, f *folder, b *inbox.Inbox) error {
	u, err := c.unlock(e)
	if err != nil {
		return err
	}
	list, err := b.List()
	if err != nil {
		return err
	}
	opened := 0
	for _, k := range u.keys {
		want := tip.Recipient{Text: k.Recipient}.Print()
		for n := len(list) - 1; n >= 0; n-- {
			t := list[n]
			if t.Drill != want {
				continue
			}
			one := unlocked{keys: []ownKey{k}, other: u.other, helped: u.helped}
			ids, err := one.identities(false)
			if err != nil {
				return err
			}
			content, err := b.Decrypt(t, ids, c.quarantine(b))
			if err != nil {
				return exit(1, fmt.Errorf("%s, the test tip of this key, does not open: %w", t.ID, err))
			}
			if content.Tip.Message != drillText || content.Tip.Incomplete != "" {
				return exit(1, fmt.Errorf("%s, the test tip of this key, opens and is not what was sealed", t.ID))
			}
			if err := os.RemoveAll(content.Dir); err != nil {
				return err
			}
			t.State = inbox.Opened
			t.Opened = append(t.Opened, inbox.Opening{By: f.Actor.Name, Second: one.second(), Day: b.Day()})
			if err := b.Save(t); err != nil {
				return err
			}
			opened++
			break
		}
	}
	if opened == 0 {
		return exit(1, errors.New("no test tip is sealed to a key of this machine; \"sightline tips drill\" makes one for each recipient of the call"))
	}
	return nil
}
