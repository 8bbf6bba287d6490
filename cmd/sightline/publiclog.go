package main

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"

	"sightline"
	"sightline/narrate"
)

// publicReader lets the evidence log be written from the public document of
// an edition instead of the case: what was dropped there cannot come back
// through a table. History and sealed values are empty on purpose, so no
// collector, reviewer or time of collection goes out.
type publicReader struct {
	sightline.Reader // nil: a method that is not below is not needed
	doc              *sightline.Document
}

func (p publicReader) Head() (sightline.Head, error) { return p.doc.Head, nil }

func (p publicReader) History(sightline.Ref) ([]sightline.Row, error) { return nil, nil }

func (p publicReader) Sealed(sightline.Seq) ([]sightline.SealedValue, error) { return nil, nil }

func (p publicReader) Rows(k sightline.Kind) iter.Seq2[sightline.Row, error] {
	return func(yield func(sightline.Row, error) bool) {
		for _, o := range p.objects(k) {
			b, err := json.Marshal(o)
			if !yield(sightline.Row{Ref: o.Ref(), Rev: 1, Value: b}, err) {
				return
			}
		}
	}
}

func (p publicReader) objects(k sightline.Kind) []sightline.Object {
	d := p.doc
	switch k {
	case sightline.KindCase:
		return []sightline.Object{d.Case}
	case sightline.KindItem:
		return objectsOf(d.Items)
	case sightline.KindDerivative:
		return objectsOf(d.Derivatives)
	case sightline.KindObservation:
		return objectsOf(d.Observations)
	case sightline.KindEntity:
		return objectsOf(d.Entities)
	case sightline.KindFinding:
		return objectsOf(d.Findings)
	case sightline.KindEvent:
		return objectsOf(d.Events)
	case sightline.KindClaim:
		return objectsOf(d.Claims)
	case sightline.KindAccount:
		return objectsOf(d.Accounts)
	case sightline.KindConstraint:
		return objectsOf(d.Constraints)
	case sightline.KindLayer:
		return objectsOf(d.Layers)
	case sightline.KindGap:
		return objectsOf(d.Gaps)
	case sightline.KindStory:
		return objectsOf(d.Stories)
	case sightline.KindEdition:
		return objectsOf(d.Editions)
	}
	return nil
}

func objectsOf[T sightline.Object](l []T) []sightline.Object {
	out := make([]sightline.Object, len(l))
	for i, x := range l {
		out[i] = x
	}
	return out
}

// publicLog writes the evidence log of an edition.
func publicLog(doc *sightline.Document, format, lang string, w io.Writer) error {
	return writeLog(publicReader{doc: doc}, format, lang, w)
}

// writeLog writes the evidence log: the table alone as CSV, every table as
// XLSX.
func writeLog(r sightline.Reader, format, lang string, w io.Writer) error {
	l, err := narrate.ReadLog(r, lang)
	if err != nil {
		return err
	}
	if format == "xlsx" {
		return l.WriteXLSX(w, lang)
	}
	t, ok := l.Table("evidence")
	if !ok {
		return fmt.Errorf("the evidence log has no table of evidence")
	}
	return t.WriteCSV(w)
}
