package publish

import (
	"strings"

	"sightline"
)

// FromCall reports whether an item came by a call for evidence, from somebody
// whom nobody may find through what is published.
func FromCall(it *sightline.Item) bool {
	return it.Source.Method == "call for evidence" || it.Source.Type == "anonymous intake"
}

// tip looks at what could lead from an item to whoever sent it: the file with
// its hidden data and its digest, the place where the camera stood, words that
// name the file, and the number the team knows the tip by.
func (p *preflight) tip(it *sightline.Item) {
	if !FromCall(it) {
		return
	}
	k := sightline.KindItem
	if it.Public.Hash != "withhold" && it.Public.Hash != "commit" {
		p.add(k, it.ID, "tip_digest", "The digest of "+it.ID+" would be published, and whoever searches the phone of its source can find the same file by it.", "Se publicaría la huella de "+it.ID+", y quien registre el teléfono de su fuente puede encontrar con ella el mismo archivo.", "Withhold the digest (Public, hash: withhold).", "Reserve la huella (Público, huella: reservar).")
		if publishesOriginal(it) {
			p.add(k, it.ID, "tip_original", "The file of "+it.ID+" would go out as its source sent it, with the hidden data in it: place, device, time.", "El archivo de "+it.ID+" saldría tal como lo envió su fuente, con sus datos ocultos: lugar, aparato, hora.", "Withhold the digest: then only the copies made here go out, which hold none of it.", "Reserve la huella: entonces solo salen las copias hechas aquí, que no los llevan.")
		}
	}
	if len(it.Redactions) == 0 {
		if word := nameTold(it); word != "" {
			p.add(k, it.ID, "file_name_told", "The words about "+it.ID+", which a source sent, tell the name of its file: "+word+".", "Las palabras sobre "+it.ID+", que envió una fuente, dicen el nombre de su archivo: "+word+".", "Take the name out of the title, description and alternative text.", "Quite el nombre del título, la descripción y el texto alternativo.")
		}
	}
	if it.Source.Perspective != "citizen" { // of citizens it is asked already
		for _, pl := range it.Places {
			if pl.Role == "camera" && !pl.Withheld && pl.FuzzM == 0 && (pl.Geo != nil || pl.Camera != nil || pl.ENU != nil) {
				p.add(k, it.ID, "witness_place", "The place where the source of "+it.ID+" stood would be published exactly.", "Se publicaría el lugar exacto donde estaba la fuente de "+it.ID+".", "Blur the public place or withhold it.", "Difumine el lugar público o resérvelo.")
				break
			}
		}
	}
	for _, s := range []string{it.Rights.Holder, it.Rights.Credit} {
		if strings.TrimSpace(s) != "" && it.Rights.Consent != "given" {
			p.add(k, it.ID, "tip_named", "The rights of "+it.ID+", which a source sent, name somebody: "+s+".", "Los derechos de "+it.ID+", que envió una fuente, nombran a alguien: "+s+".", "Take the name out; or, where the source asked to be named, record the consent as given.", "Quite el nombre; o, si la fuente pidió que se la nombre, registre el consentimiento como dado.")
			break
		}
	}
}
