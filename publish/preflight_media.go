package publish

import (
	"path"
	"strings"

	"sightline"
)

// pixels reports whether the media of an item is a picture or a video.
func pixels(it *sightline.Item) bool {
	return it.Media == "photo" || it.Media == "image" || it.Media == "video" || strings.HasPrefix(it.Type, "image/") || strings.HasPrefix(it.Type, "video/")
}

// shownMedia looks at what would be seen and heard of an item whose media goes
// out: faces, redactions that were not made, and a graphic picture that would
// stand somewhere without its cover.
func (p *preflight) shownMedia(it *sightline.Item) {
	k := sightline.KindItem
	if it.Held && pixels(it) {
		regions := 0
		for _, r := range it.Redactions {
			if r.Kind == "region" {
				regions++
			}
		}
		switch it.Public.Faces {
		case "none_seen", "cleared":
		case "redacted":
			if regions == 0 {
				p.add(k, it.ID, "faces_not_redacted", it.ID+" is said to have its faces redacted, and no part of its picture is.", "Se dice que los rostros de "+it.ID+" están tachados, y ninguna parte de la imagen lo está.", "Draw the regions to cover, or decide again about the faces.", "Trace las zonas que se tapan, o decida de nuevo sobre los rostros.")
			}
		default:
			p.add(k, it.ID, "faces_undecided", "Nobody has decided about faces in "+it.ID+", whose picture would be published.", "Nadie ha decidido sobre los rostros en "+it.ID+", cuya imagen se publicaría.", "Look at it whole, and record: none seen, redacted, or cleared by the people shown.", "Véala entera y registre: no se ven, tachados, o autorizados por quienes aparecen.")
		}
	}
	if len(it.Redactions) > 0 {
		for i := range it.Redactions {
			if err := it.Redactions[i].Check(); err != nil {
				p.add(k, it.ID, "redaction_wrong", "A redaction of "+it.ID+" cannot be made: "+err.Error()+".", "Una tachadura de "+it.ID+" no se puede hacer: "+err.Error()+".", "Correct it, or remove it.", "Corríjala o quítela.")
			}
		}
		if word := nameTold(it); word != "" {
			p.add(k, it.ID, "file_name_told", "The words about "+it.ID+", which is redacted, tell the name of its file: "+word+".", "Las palabras sobre "+it.ID+", que está tachada, dicen el nombre de su archivo: "+word+".", "Take the name out of the title, description and alternative text: a file name can identify whoever holds the file.", "Quite el nombre del título, la descripción y el texto alternativo: un nombre de archivo puede identificar a quien lo tiene.")
		}
		if !redactionMade(it, p.doc.Derivatives) {
			p.add(k, it.ID, "redaction_not_made", "The redactions of "+it.ID+" are newer than its copies for the public.", "Las tachaduras de "+it.ID+" son más nuevas que sus copias para el público.", "Let the waiting jobs run (sightline work), or look at why the job failed.", "Deje correr los trabajos pendientes (sightline work), o vea por qué falló el trabajo.")
		}
	}
	for _, o := range p.doc.Items {
		if o.ID != it.ID && len(o.Redactions) > 0 && len(it.Redactions) == 0 && sameMedia(it, o) {
			p.add(k, it.ID, "copy_not_redacted", it.ID+" is a copy of "+o.ID+", which is redacted, and would be published whole.", it.ID+" es una copia de "+o.ID+", que está tachada, y se publicaría entera.", "Redact it as well, or withhold its media.", "Táchela también, o reserve sus medios.")
		}
	}
	if it.Sensitivity == "graphic" {
		for _, s := range p.doc.Stories {
			if !s.Public {
				continue
			}
			for _, st := range s.Steps {
				if shows(st.View, it.ID) {
					p.add(k, it.ID, "graphic_preview", "Step "+st.ID+" of the story "+s.ID+" would show "+it.ID+", which is graphic, without asking first.", "El paso "+st.ID+" de la historia "+s.ID+" mostraría "+it.ID+", que es sensible, sin preguntar antes.", "Take it out of the view of the step; a citation leads to it and its warning.", "Quítela de la vista del paso; una cita lleva a ella y a su aviso.")
				}
			}
		}
	}
}

// nameTold finds the name of an item's file, with or without its ending, in the
// words that go out about it. Names of a few letters are too common to tell.
func nameTold(it *sightline.Item) string {
	base := it.Name[strings.LastIndexAny(it.Name, `/\\`)+1:]
	stem := strings.TrimSuffix(base, path.Ext(base))
	if len([]rune(stem)) < 5 {
		return ""
	}
	for _, t := range []sightline.Text{it.Title, it.Seen, it.Alt, it.Harm} {
		for _, s := range t {
			if strings.Contains(strings.ToLower(s), strings.ToLower(stem)) {
				return stem
			}
		}
	}
	return ""
}

// sameMedia reports whether two items are known to hold the same picture or
// sound: the same bytes, or one recorded as a copy of the other.
func sameMedia(a, b *sightline.Item) bool {
	return a.SHA256 != "" && a.SHA256 == b.SHA256 || a.DuplicateOf == b.ID || b.DuplicateOf == a.ID || a.DuplicateOf != "" && a.DuplicateOf == b.DuplicateOf
}

// shows reports whether a view puts the picture of an item before the reader.
func shows(v sightline.View, id string) bool {
	for _, m := range v.Media {
		if m == id {
			return true
		}
	}
	return v.Projectors[id] > 0 || v.Camera != nil && v.Camera.Item == id
}

// redactionMade reports whether the copies that an item's redactions ask for are there.
func redactionMade(it *sightline.Item, ds []*sightline.Derivative) bool {
	asked, err := it.RedactionDigest()
	if err != nil {
		return false
	}
	want := "preview"
	if strings.HasPrefix(it.Type, "video/") || strings.HasPrefix(it.Type, "audio/") {
		want = "proxy"
	}
	for _, d := range ds {
		if role, ok := d.Redacted(); ok && d.Item == it.ID && role == want && d.Meta[sightline.RedactedMeta] == asked {
			return true
		}
	}
	return false
}
