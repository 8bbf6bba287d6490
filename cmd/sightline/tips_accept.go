package main

import (
	"errors"
	"fmt"
	"os"

	"sightline/archive"
	"sightline/call/inbox"
	"sightline/intake"
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
	w, err := newTipWork(f, f.Actor, c.Quarantine)
	if err != nil {
		return err
	}
	t, err := w.b.Get(c.Tip)
	if err != nil {
		return exit(2, err)
	}
	report, t, err := w.accept(e.ctx, t, choice{c.Only, c.Gap, c.Perspective, c.Message, c.Reason, c.Tag})
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
		fmt.Fprintf(e.stdout, "%s  %s  %s\n", l.ID, l.SHA256, l.Name)
	}
	if t.Request != "" {
		fmt.Fprintf(e.stdout, "linked to %s; a verified item closes it: sightline tips close %s ITEM\n", t.Request, t.Request)
	}
	if len(report.Refused) > 0 {
		return exit(1, errors.New("the rest stays in quarantine"))
	}
	return nil
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
	w, err := newTipWork(f, f.Actor, "")
	if err != nil {
		return err
	}
	t, err := w.b.Get(c.Tip)
	if err != nil {
		return exit(2, err)
	}
	text, err := c.text(t)
	if err != nil {
		return err
	}
	slot, err := w.sealReply(t, text)
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := os.WriteFile(c.Out, slot, 0o600); err != nil {
			return exit(2, err)
		}
		return w.replied(e.ctx, t, text)
	}
	p, err := w.puller(c.Server, c.Proxy)
	if err != nil {
		return err
	}
	if err := w.reply(e.ctx, t, slot, p); err != nil {
		return err
	}
	return w.replied(e.ctx, t, text)
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
	if c.File != "" {
		b, err := os.ReadFile(c.File)
		if err != nil {
			return "", exit(2, err)
		}
		return replyText(t, string(b), "")
	}
	return replyText(t, c.Text, c.Template)
}
