package web

import (
	"bytes"
	"encoding/json"
	"strings"
)

// namesCase finds the cases that a method is asked about: the values of the
// fields "case" and "scene", at any depth and in any spelling that the methods
// would read as these names. The path of such a call names no case, so its
// role cannot be asked by the path.
func namesCase(problem []byte) (ids []string) {
	var walk func(v any)
	walk = func(v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, v := range x {
				if id, ok := v.(string); ok && id != "" && (strings.EqualFold(k, "case") || strings.EqualFold(k, "scene")) {
					ids = append(ids, id)
				}
				walk(v)
			}
		case []any:
			for _, v := range x {
				walk(v)
			}
		}
	}
	dec := json.NewDecoder(bytes.NewReader(problem))
	for {
		var v any
		if err := dec.Decode(&v); err != nil {
			return ids
		}
		walk(v)
	}
}

// mayAsk reports the first case of a problem in which the person has no part.
// Of two fields of one name the methods read the last and so does the walk;
// a spelling apart is another field to it, and both are asked.
func (p *person) mayAsk(problem []byte) (refused string, ok bool) {
	if p.account == nil {
		return "", true
	}
	for _, id := range namesCase(problem) {
		if p.grant(id).Role == "" {
			return id, false
		}
	}
	return "", true
}
