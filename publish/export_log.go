package publish

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"iter"

	"sightline"
)

// Walk is a case as the exports of its log see it: the document and the
// entries. Both exports come from this one walk. Sealed values are not opened:
// an actor is a key and a role, never a name.
type Walk struct {
	Doc     *sightline.Document
	Origin  string // of the log
	Version string // of the program
	Entries iter.Seq2[sightline.LogEntry, error]
}

// name5 is a UUID of version 5 (RFC 9562) in the name space of the log, so that the
// same case always gives the same names.
func (k Walk) name5(kind, id string) string {
	space := [16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8} // URL
	h := sha1.New()                                                                                                   // the name of a thing, not a proof
	h.Write(space[:])
	io.WriteString(h, "sightline:"+k.Origin+"/"+kind+"/"+id)
	u := h.Sum(nil)[:16]
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	s := hex.EncodeToString(u)
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

// PROV writes the case in PROV-O as JSON-LD: an original and each working copy
// is an Entity, an entry of the log an Activity, a key an Agent; a copy was
// derived from its parents.
func PROV(k Walk, w io.Writer) error {
	graph := []any{}
	id := func(kind, s string) string { return "urn:uuid:" + k.name5(kind, s) }
	entity := func(sha string) string { return "urn:sha256:" + sha }
	ref := func(s string) map[string]any { return map[string]any{"@id": s} }
	when := func(s string) map[string]any { return map[string]any{"@type": "xsd:dateTime", "@value": s} }
	known := map[string]bool{}
	for _, it := range k.Doc.Items {
		if it.SHA256 == "" {
			continue
		}
		graph = append(graph, map[string]any{"@id": id("item", it.ID), "@type": "prov:Entity", "rdfs:label": it.ID, "dcterms:title": neutral(it.Title.In(k.Doc.Case.Languages[0], k.Doc.Case.Languages...)), "prov:specializationOf": ref(entity(it.SHA256))})
		if !known[it.SHA256] {
			known[it.SHA256] = true
			graph = append(graph, map[string]any{"@id": entity(it.SHA256), "@type": "prov:Entity", "sl:sha256": it.SHA256, "sl:size": it.Size, "dcterms:format": it.Type})
		}
	}
	for _, d := range k.Doc.Derivatives {
		if known[d.SHA256] {
			continue
		}
		known[d.SHA256] = true
		e := map[string]any{"@id": entity(d.SHA256), "@type": "prov:Entity", "rdfs:label": d.ID, "sl:sha256": d.SHA256, "sl:size": d.Size, "dcterms:format": d.Type}
		var from []any
		for _, in := range d.Recipe.Inputs {
			from = append(from, ref(entity(in)))
		}
		if from != nil {
			e["prov:wasDerivedFrom"] = from
		}
		graph = append(graph, e)
	}
	agents := map[string]bool{}
	for e, err := range k.Entries {
		if err != nil {
			return err
		}
		if !agents[e.Actor.Key] {
			agents[e.Actor.Key] = true
			graph = append(graph, map[string]any{"@id": id("key", e.Actor.Key), "@type": "prov:Agent", "sl:key": e.Actor.Key})
		}
		a := map[string]any{"@id": id("entry", fmt.Sprint(e.Seq)), "@type": "prov:Activity", "sl:kind": string(e.Kind), "sl:seq": e.Seq, "sl:leaf": e.Leaf, "sl:result": e.Result,
			"prov:endedAtTime": when(e.At), "prov:wasAssociatedWith": ref(id("key", e.Actor.Key)), "sl:role": e.Actor.Role}
		if e.Tool != nil {
			tool := id("tool", e.Tool.Name+" "+e.Tool.Version)
			if !agents[tool] {
				agents[tool] = true
				graph = append(graph, map[string]any{"@id": tool, "@type": []string{"prov:Agent", "prov:SoftwareAgent"}, "rdfs:label": neutral(e.Tool.Name + " " + e.Tool.Version)})
			}
			a["prov:wasAssociatedWith"] = []any{ref(id("key", e.Actor.Key)), ref(tool)}
		}
		var used []any
		for _, p := range e.Parents {
			used = append(used, ref(entity(p)))
		}
		if e.Item != nil {
			switch e.Kind {
			case sightline.EntryCollect, sightline.EntryReceive, sightline.EntryOpenTip, sightline.EntryDerive, sightline.EntryRedact:
				if e.Result != "failed" {
					a["prov:generated"] = ref(entity(e.Item.SHA256))
				}
			default:
				used = append(used, ref(entity(e.Item.SHA256)))
			}
		}
		if used != nil {
			a["prov:used"] = used
		}
		graph = append(graph, a)
	}
	return indented(w, map[string]any{"@context": map[string]any{"prov": "http://www.w3.org/ns/prov#", "rdfs": "http://www.w3.org/2000/01/rdf-schema#", "dcterms": "http://purl.org/dc/terms/", "xsd": "http://www.w3.org/2001/XMLSchema#", "sl": "urn:sightline:log/1#"}, "@graph": graph})
}

// CASE writes the case as CASE 1 / UCO 1 in JSON-LD: an Investigation, a
// ProvenanceRecord for each item, its file with digest and size, the tools, and
// each entry of the log as an InvestigativeAction.
func CASE(k Walk, w io.Writer) error {
	graph := []any{}
	id := func(kind, s string) string { return "kb:" + kind + "-" + k.name5(kind, s) }
	ref := func(s string) map[string]any { return map[string]any{"@id": s} }
	typed := func(t string, v any) map[string]any { return map[string]any{"@type": t, "@value": v} }
	first := k.Doc.Case.Languages
	lang := "en"
	if len(first) > 0 {
		lang = first[0]
	}
	file := func(sha string, size int64, typ, label string) map[string]any {
		facet := map[string]any{"@id": id("content-data-facet", sha), "@type": "uco-observable:ContentDataFacet",
			"uco-observable:hash": []any{map[string]any{"@id": id("hash", sha), "@type": "uco-types:Hash", "uco-types:hashMethod": typed("uco-vocabulary:HashNameVocab", "SHA256"), "uco-types:hashValue": typed("xsd:hexBinary", sha)}}}
		if size > 0 {
			facet["uco-observable:sizeInBytes"] = typed("xsd:integer", fmt.Sprint(size))
		}
		if typ != "" {
			facet["uco-observable:mimeType"] = typ
		}
		return map[string]any{"@id": id("file", sha), "@type": "uco-observable:File", "uco-core:name": label, "uco-core:hasFacet": []any{facet}}
	}
	known := map[string]bool{}
	objects := []any{}
	for _, it := range k.Doc.Items {
		rec := map[string]any{"@id": id("provenance-record", it.ID), "@type": "case-investigation:ProvenanceRecord", "case-investigation:exhibitNumber": it.ID, "uco-core:description": neutral(it.Title.In(lang, first...))}
		if it.SHA256 != "" {
			if !known[it.SHA256] {
				known[it.SHA256] = true
				graph = append(graph, file(it.SHA256, it.Size, it.Type, it.ID))
			}
			rec["uco-core:object"] = []any{ref(id("file", it.SHA256))}
		}
		graph = append(graph, rec)
		objects = append(objects, ref(id("provenance-record", it.ID)))
	}
	for _, d := range k.Doc.Derivatives {
		if !known[d.SHA256] {
			known[d.SHA256] = true
			graph = append(graph, file(d.SHA256, d.Size, d.Type, d.ID))
		}
	}
	agents, tools := map[string]bool{}, map[string]bool{}
	for e, err := range k.Entries {
		if err != nil {
			return err
		}
		who := id("identity", e.Actor.Key)
		if !agents[e.Actor.Key] {
			agents[e.Actor.Key] = true
			graph = append(graph, map[string]any{"@id": who, "@type": "uco-identity:Identity", "uco-core:name": e.Actor.Key})
		}
		a := map[string]any{"@id": id("investigative-action", fmt.Sprint(e.Seq)), "@type": "case-investigation:InvestigativeAction", "uco-core:name": string(e.Kind),
			"uco-core:description": fmt.Sprintf("Entry %d of the custody log, leaf %s, role %s, result %s.", e.Seq, e.Leaf, e.Actor.Role, e.Result),
			"uco-action:endTime":   typed("xsd:dateTime", e.At), "uco-action:performer": ref(who)}
		if e.Tool != nil {
			t := id("tool", e.Tool.Name+" "+e.Tool.Version)
			if !tools[t] {
				tools[t] = true
				graph = append(graph, map[string]any{"@id": t, "@type": "uco-tool:Tool", "uco-core:name": neutral(e.Tool.Name), "uco-tool:version": neutral(e.Tool.Version)})
			}
			a["uco-action:instrument"] = []any{ref(t)}
		}
		var objs []any
		for _, p := range e.Parents {
			if known[p] {
				objs = append(objs, ref(id("file", p)))
			}
		}
		if e.Item != nil && known[e.Item.SHA256] {
			switch e.Kind {
			case sightline.EntryCollect, sightline.EntryReceive, sightline.EntryOpenTip, sightline.EntryDerive, sightline.EntryRedact:
				if e.Result != "failed" {
					result := []any{ref(id("file", e.Item.SHA256))}
					if e.Item.Copy == "evidentiary" {
						result = append(result, ref(id("provenance-record", e.Item.ID)))
					}
					a["uco-action:result"] = result
				}
			default:
				objs = append(objs, ref(id("file", e.Item.SHA256)))
			}
		}
		if objs != nil {
			a["uco-action:object"] = objs
		}
		graph = append(graph, a)
		objects = append(objects, ref(id("investigative-action", fmt.Sprint(e.Seq))))
	}
	inv := map[string]any{"@id": id("investigation", k.Doc.Case.ID), "@type": "case-investigation:Investigation", "uco-core:name": neutral(k.Doc.Case.Title.In(lang, first...)), "uco-core:object": objects,
		"case-investigation:focus": neutral(k.Doc.Case.Summary.In(lang, first...))}
	if k.Doc.Case.Exercise {
		inv["uco-core:description"] = "EXERCISE, fictional"
	}
	graph = append([]any{inv}, graph...)
	return indented(w, map[string]any{"@context": map[string]any{
		"kb": "urn:sightline:" + k.name5("kb", "") + "/", "xsd": "http://www.w3.org/2001/XMLSchema#",
		"case-investigation": "https://ontology.caseontology.org/case/investigation/", "uco-action": "https://ontology.unifiedcyberontology.org/uco/action/",
		"uco-core": "https://ontology.unifiedcyberontology.org/uco/core/", "uco-identity": "https://ontology.unifiedcyberontology.org/uco/identity/",
		"uco-observable": "https://ontology.unifiedcyberontology.org/uco/observable/", "uco-tool": "https://ontology.unifiedcyberontology.org/uco/tool/",
		"uco-types": "https://ontology.unifiedcyberontology.org/uco/types/", "uco-vocabulary": "https://ontology.unifiedcyberontology.org/uco/vocabulary/"}, "@graph": graph})
}
