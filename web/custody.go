package web

import (
	"fmt"
	"net/http"

	"sightline"
)

// custodyLine is one entry about an item, in plain words.
type custodyLine struct {
	Seq    sightline.Seq        `json:"seq"`
	At     string               `json:"at"`
	Kind   sightline.EntryKind  `json:"kind"`
	Actor  sightline.EntryActor `json:"actor"`
	Tool   *sightline.EntryTool `json:"tool,omitempty"`
	Result string               `json:"result"`
	Leaf   string               `json:"leaf"`
	Text   sightline.Text       `json:"text"`
}

// custody lists what was done to an item, from the log.
func (s *Server) custody(w http.ResponseWriter, r *http.Request, c *Case) error {
	id := r.PathValue("item")
	out := []custodyLine{}
	err := c.Store.View(r.Context(), c.Actor, func(rd sightline.Reader) error {
		head, err := rd.Head()
		if err != nil {
			return err
		}
		if _, err := rd.Row(sightline.Ref{Kind: sightline.KindItem, ID: id}); err != nil {
			return fmt.Errorf("item %s: %w", printable(id), err)
		}
		touched := map[sightline.Seq]bool{}
		rows, err := rd.History(sightline.Ref{Kind: sightline.KindItem, ID: id})
		if err != nil {
			return err
		}
		for _, row := range rows {
			touched[row.Seq] = true
		}
		for e, err := range rd.Entries(0, head.Size) {
			if err != nil {
				return err
			}
			if !touched[e.Seq] && (e.Item == nil || e.Item.ID != id) {
				continue
			}
			out = append(out, custodyLine{e.Seq, e.At, e.Kind, e.Actor, e.Tool, e.Result, e.Leaf, plain(e.Entry)})
		}
		return nil
	})
	if err == nil {
		reply(w, out)
		s.hurry(r.Context(), c, id) // whoever reads this has the item open and waits for its pictures
	}
	return err
}

// plain says what an entry records, in English and Spanish.
func plain(e sightline.Entry) sightline.Text {
	en, es := "", ""
	switch e.Kind {
	case sightline.EntryCollect:
		en, es = "Taken into the case; its bytes were hashed before anything else.", "Ingresada al caso; sus bytes se registraron con huella digital antes que nada."
	case sightline.EntryReceive:
		en, es = "Received.", "Recibida."
	case sightline.EntryOpenTip:
		en, es = "Opened from a sealed submission.", "Abierta desde un envío sellado."
	case sightline.EntryDerive:
		en, es = "A working copy was made from it.", "Se hizo una copia de trabajo."
		if e.Tool != nil {
			en = fmt.Sprintf("A working copy was made from it with %s %s.", e.Tool.Name, e.Tool.Version)
			es = fmt.Sprintf("Se hizo una copia de trabajo con %s %s.", e.Tool.Name, e.Tool.Version)
		}
	case sightline.EntryViewOriginal:
		en, es = "The original was viewed.", "Se consultó el original."
	case sightline.EntryAnnotate:
		en, es = "What is known about it was edited.", "Se editó lo que se sabe de ella."
	case sightline.EntryFind:
		en, es = "A finding about it was recorded.", "Se registró un hallazgo sobre ella."
	case sightline.EntryReview:
		en, es = "It was reviewed.", "Fue revisada."
	case sightline.EntryRedact:
		en, es = "A redacted copy was made.", "Se hizo una copia con partes tapadas."
	case sightline.EntryErase:
		en, es = "Its bytes were erased; this line stays.", "Sus bytes fueron borrados; esta línea queda."
	case sightline.EntryPublish:
		en, es = "It was published in an edition.", "Se publicó en una edición."
	case sightline.EntryCheck:
		en, es = "It was checked against its digest.", "Se comprobó contra su huella digital."
	default:
		en, es = "Entry of kind "+string(e.Kind)+".", "Asiento de tipo "+string(e.Kind)+"."
	}
	if e.Result == "failed" {
		en, es = en+" This did not succeed.", es+" No se logró."
	}
	return sightline.Text{"en": en, "es": es}
}
