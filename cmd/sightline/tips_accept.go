package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"

	"sightline"
	"sightline/archive"
	"sightline/call"
	"sightline/call/inbox"
	"sightline/flow"
	"sightline/intake"
	"sightline/tip"
)

// tipsAcceptCmd makes items of an opened tip. The bytes go through the
// ordinary intake and are read in the sandbox like all others.
type tipsAcceptCmd struct {
	inCase       `embed:""`
	atQuarantine `embed:""`
	Tip          string   `arg:"" help:"Number of the tip."`
	Only         []int    `help:"Only these files, by number." placeholder:"N"`
	Gap          string   `help:"Request (gap) that it answers." placeholder:"ID"`
	Perspective  string   `help:"From whose side it looks." enum:"citizen,security_forces,victim,press,official,unknown" default:"unknown"`
	Message      bool     `help:"Make an item of the message as well, as a text."`
	Reason       string   `help:"Why it is taken; kept sealed." default:"call for evidence" placeholder:"TEXT"`
	Tag          []string `help:"Tags for the items."`
}

func (c *tipsAcceptCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := openInbox(f)
	if err != nil {
		return err
	}
	t, err := b.Get(c.Tip)
	if err != nil {
		return exit(2, err)
	}
	if t.State == inbox.Withdrawn || t.Drill != "" {
		return exit(3, fmt.Errorf("%s cannot become items: it is a test, or its source asked to delete it", t.ID))
	}
	content, err := loadContent(c.quarantine(b), t)
	if err != nil {
		return err
	}
	gap := c.Gap
	if gap == "" {
		gap = t.Request
	}
	if gap != "" {
		err := f.Store.View(e.ctx, f.Actor, func(r sightline.Reader) error {
			_, err := sightline.Get[sightline.Gap](r, sightline.KindGap, gap)
			return err
		})
		if err != nil && c.Gap != "" {
			return exit(2, fmt.Errorf("the request %s is not in this case: %w", gap, err))
		}
		if err != nil {
			gap = "" // what a stranger wrote there means nothing here
		}
	}
	in, err := c.inputs(content, t)
	if err != nil {
		return err
	}
	if len(in) == 0 {
		return exit(2, fmt.Errorf("%s has no file to take; --message makes an item of its message", t.ID))
	}
	a := &intake.Adder{
		Store: f.Store, Blobs: f.Blobs, Actor: f.Actor, Version: version, Reason: c.Reason, Access: "given", Jobs: flow.JobsFor,
		Argv: []string{"tips", "accept", t.ID},
	}
	report, err := a.Take(e.ctx, in)
	if err != nil {
		return err
	}
	for _, r := range report.Refused {
		fmt.Fprintf(e.stderr, "not taken: %s: %s\n", intake.Printable(r.Name), r.Why)
	}
	for _, l := range report.Known {
		fmt.Fprintf(e.stdout, "%s is already here: the same bytes came before, which is worth knowing\n", l.ID)
	}
	for _, l := range report.Added {
		if err := c.mark(e, f, t, content, l, gap); err != nil {
			return err
		}
		fmt.Fprintf(e.stdout, "%s  %s  %s\n", l.ID, l.SHA256, l.Name)
	}
	for _, l := range append(report.Added, report.Known...) {
		if !slices.Contains(t.Items, l.ID) {
			t.Items = append(t.Items, l.ID)
		}
	}
	t.State, t.Decided, t.Request = inbox.Accepted, b.Day(), gap
	if err := b.Save(t); err != nil {
		return err
	}
	if len(report.Refused) > 0 {
		return exit(1, errors.New("the rest stays in quarantine"))
	}
	return os.RemoveAll(content.Dir)
}

// inputs names the files neutrally: a name such as IMG_Ana.jpg could tell who
// took it, so the case calls it T-001-1 and the name is sealed. The time of
// the copy is the day of the tip, not the minute of its opening.
func (c *tipsAcceptCmd) inputs(content *inbox.Content, t inbox.Tip) (in []intake.Input, err error) {
	day, derr := time.Parse(time.DateOnly, t.Day)
	add := func(path, name string) error {
		if derr == nil {
			if err := os.Chtimes(path, day, day); err != nil {
				return err
			}
		}
		in = append(in, intake.Input{Path: path, Name: name})
		return nil
	}
	for n := range content.Tip.Files {
		if len(c.Only) > 0 && !slices.Contains(c.Only, n+1) {
			continue
		}
		ext := strings.ToLower(filepath.Ext(tip.BaseName(content.Names[n])))
		if len(ext) > 6 || strings.ContainsFunc(ext, func(r rune) bool { return r != '.' && (r < '0' || r > '9') && (r < 'a' || r > 'z') }) {
			ext = ""
		}
		if err := add(content.Path(n+1), fmt.Sprintf("%s-%d%s", t.ID, n+1, ext)); err != nil {
			return nil, err
		}
	}
	if c.Message && content.Tip.Message != "" {
		path := filepath.Join(content.Dir, "message.txt")
		if err := os.WriteFile(path, []byte(content.Tip.Message), 0o600); err != nil {
			return nil, err
		}
		if err := add(path, t.ID+"-message.txt"); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// mark says on the item that it came by the call, and writes the entry that
// joins it to the ciphertext. What the source wrote is sealed.
func (c *tipsAcceptCmd) mark(e *env, f *folder, t inbox.Tip, content *inbox.Content, l intake.Line, gap string) error {
	said := map[string]any{"id": t.ID, "source": t.Source, "lane": content.Tip.Join.Lane, "lang": content.Tip.Join.Lang,
		"at": content.Tip.Join.At, "message": content.Tip.Message, "wish": content.Tip.Join.Wish, "day": t.Day, "incomplete": content.Tip.Incomplete}
	var n int
	if _, err := fmt.Sscanf(l.Name, t.ID+"-%d", &n); err == nil && n >= 1 && n <= len(content.Names) {
		said["name"], said["mime"], said["modified"], said["fault"] = content.Names[n-1], content.MIMEs[n-1], content.Changed[n-1], content.Tip.Files[n-1].Fault
	}
	if len(content.Tip.Join.Form) > 0 {
		var form any
		if json.Unmarshal(content.Tip.Join.Form, &form) == nil {
			said["form"] = form
		}
	}
	_, err := f.Store.Update(e.ctx, f.Actor, func(w sightline.Writer) error {
		it, err := sightline.Get[sightline.Item](w, sightline.KindItem, l.ID)
		if err != nil {
			return err
		}
		it.Source.Name = sightline.Text{"en": "anonymous intake", "es": "recepción anónima"}
		it.Source.Type, it.Source.Method, it.Source.Perspective = "anonymous intake", "call for evidence", c.Perspective
		it.Sensitivity = "source_at_risk"
		it.Public.Hash = "withhold" // the source's device holds the same bytes
		it.Tags = append(it.Tags, c.Tag...)
		if gap != "" {
			it.Tags = append(it.Tags, "answers:"+gap)
		}
		if err := w.Put(it); err != nil {
			return err
		}
		w.Describe(sightline.Draft{
			Kind: sightline.EntryOpenTip, Result: "ok", Parents: []string{t.SHA256}, Seal: map[string]any{"tip": said},
			Item: &sightline.EntryItem{ID: it.ID, SHA256: it.SHA256, Size: it.Size, Type: it.Type, Copy: "evidentiary"},
		})
		return nil
	})
	return err
}

// tipsReplyCmd answers a source.
type tipsReplyCmd struct {
	inCase   `embed:""`
	Tip      string `arg:"" help:"Number of a tip of the source."`
	Text     string `help:"What to say." placeholder:"TEXT"`
	File     string `type:"path" help:"Read it from a file." placeholder:"FILE"`
	Template string `help:"A sentence in the source's language: thanks, original, where, received, cannot." placeholder:"NAME"`
	Server   string `placeholder:"ADDR" help:"Second door of the server. Without it the sealed reply is written to --out."`
	Proxy    string `placeholder:"ADDR" help:"Tor's SOCKS address."`
	Out      string `type:"path" placeholder:"FILE" help:"Write the sealed slot here, to be carried to the server."`
}

// replyTemplates are answers that need no thought about who reads over the
// shoulder: none names the case, the file or a person.
var replyTemplates = map[string]map[string]string{
	"thanks": {
		"es": "Gracias. Lo recibimos y lo vamos a revisar con cuidado. No vuelva a buscar este contenido en su teléfono si le parece peligroso.",
		"en": "Thank you. We have it and will look at it with care. Do not go back to this material on your phone if that feels dangerous.",
		"ar": "شكرًا. وصلنا وسنراجعه بعناية. لا تعد إلى هذه المادة على هاتفك إذا كان ذلك خطرًا عليك.",
	},
	"original": {
		"es": "Gracias. ¿Tiene el archivo original, tal como lo grabó el teléfono? Lo que se reenvía por mensajería pierde datos. Envíelo con este mismo código, sólo si es seguro.",
		"en": "Thank you. Do you have the original file, as the phone recorded it? What is forwarded by messengers loses data. Send it with this same code, only if it is safe.",
		"ar": "شكرًا. هل لديك الملف الأصلي كما سجله الهاتف؟ ما يُعاد إرساله عبر تطبيقات المراسلة يفقد بيانات. أرسله بهذا الرمز نفسه، فقط إن كان ذلك آمنًا.",
	},
	"where": {
		"es": "Gracias. ¿Desde dónde se grabó y hacia dónde mira la cámara? ¿A qué hora, más o menos? Escriba sólo lo que recuerde.",
		"en": "Thank you. Where was it recorded from, and which way does the camera look? At about what time? Write only what you remember.",
		"ar": "شكرًا. من أين سُجل وإلى أي جهة تنظر الكاميرا؟ وفي أي ساعة تقريبًا؟ اكتب فقط ما تتذكره.",
	},
	"received": {
		"es": "Lo recibimos completo.",
		"en": "We received it whole.",
		"ar": "وصلنا كاملًا.",
	},
	"cannot": {
		"es": "Gracias por escribir. No podemos usar esto en nuestro trabajo y lo borraremos en 30 días. Su buzón sigue abierto.",
		"en": "Thank you for writing. We cannot use this in our work and will delete it within 30 days. Your mailbox stays open.",
		"ar": "شكرًا لرسالتك. لا نستطيع استعمال هذا في عملنا وسنحذفه خلال 30 يومًا. صندوقك يبقى مفتوحًا.",
	},
}

func (c *tipsReplyCmd) Run(e *env) error {
	f, err := c.open(archive.Options{})
	if err != nil {
		return err
	}
	defer f.Close()
	b, err := openInbox(f)
	if err != nil {
		return err
	}
	t, err := b.Get(c.Tip)
	if err != nil {
		return exit(2, err)
	}
	if t.ReplyTo == "" {
		return exit(2, fmt.Errorf("where to answer %s is known when it has been opened, and only if it came with a receipt code", t.ID))
	}
	text, err := c.text(t)
	if err != nil {
		return err
	}
	to, err := age.ParseHybridRecipient(t.ReplyTo)
	if err != nil {
		return exit(1, fmt.Errorf("the reply address of %s is not one", t.ID))
	}
	slot, err := tip.SealReply(to, tip.Reply{Day: b.Day(), Lang: t.Lang, Text: text})
	if err != nil {
		return exit(2, err)
	}
	switch {
	case c.Server != "":
		if t.Box == "" {
			return exit(2, fmt.Errorf("%s came on a stick, so its mailbox is not known here; fetch it from the server, or write with --out", t.ID))
		}
		key, err := pullKey()
		if err != nil {
			return err
		}
		p, err := call.NewPuller(c.Server, c.Proxy, key)
		if err != nil {
			return exit(2, err)
		}
		if err := p.Reply(e.ctx, t.Box, slot); err != nil {
			return exit(1, err)
		}
	case c.Out != "":
		if err := os.WriteFile(c.Out, slot, 0o600); err != nil {
			return exit(2, err)
		}
	default:
		return exit(2, errors.New("say where the reply goes: --server ADDR or --out FILE"))
	}
	t.Replies = append(t.Replies, b.Day())
	if err := b.Save(t); err != nil {
		return err
	}
	_, err = f.Store.Update(e.ctx, f.Actor, func(w sightline.Writer) error {
		w.Describe(sightline.Draft{Kind: sightline.EntryAnnotate, Result: "ok", Parents: []string{t.SHA256},
			Seal: map[string]any{"tip": map[string]any{"id": t.ID, "source": t.Source, "reply": text, "day": b.Day()}}})
		return nil
	})
	return err
}

func (c *tipsReplyCmd) text(t inbox.Tip) (string, error) {
	given := 0
	for _, s := range []string{c.Text, c.File, c.Template} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return "", exit(2, errors.New("say one of --text, --file, --template"))
	}
	switch {
	case c.File != "":
		b, err := os.ReadFile(c.File)
		if err != nil {
			return "", exit(2, err)
		}
		return string(b), nil
	case c.Template != "":
		all, ok := replyTemplates[c.Template]
		if !ok {
			return "", exit(2, fmt.Errorf("there is no template %q; there are thanks, original, where, received, cannot", c.Template))
		}
		if s := all[t.Lang]; s != "" {
			return s, nil
		}
		return all["en"], nil
	}
	return c.Text, nil
}
