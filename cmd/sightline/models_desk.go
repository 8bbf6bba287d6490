package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"sightline"
	"sightline/scene"
	"sightline/web"
)

// modelCalls are the hand-made models of a case as its desk asks for them.
func modelCalls(f *folder) *web.ModelCalls {
	return &web.ModelCalls{
		List: func(ctx context.Context) (any, error) { return listModels(ctx, f) },
		Save: func(ctx context.Context, by sightline.Actor, document []byte, remove, reason string) (any, error) {
			r, layer, err := modelIntoCase(ctx, f, by, document, remove, reason)
			switch {
			case errors.Is(err, errSceneChanged):
				return nil, fmt.Errorf("%v: %w", err, sightline.ErrConflict)
			case err != nil:
				return nil, fmt.Errorf("%v: %w", err, sightline.ErrInvalid)
			}
			return modelOf(r, layer), nil
		},
	}
}

// keptModel is a model of the case with its versions, the newest last.
type keptModel struct {
	ID       string          `json:"id"`
	Document json.RawMessage `json:"document"`
	Versions []modelVersion  `json:"versions"`
}

type modelVersion struct {
	SHA256 string `json:"sha256"`
	At     string `json:"at"`
	By     string `json:"by"`
}

func listModels(ctx context.Context, f *folder) ([]keptModel, error) {
	doc, err := loadDocument(ctx, f)
	if err != nil {
		return nil, err
	}
	out := []keptModel{}
	for _, l := range doc.Layers {
		if !strings.HasSuffix(l.File, ".model.json") {
			continue
		}
		raw, err := readBlob(ctx, f, l.SHA256)
		if err != nil {
			return nil, err
		}
		m, err := scene.ParseModel(raw)
		if err != nil {
			return nil, err
		}
		k := keptModel{ID: m.ID, Document: raw, Versions: []modelVersion{}}
		err = f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
			rows, err := r.History(l.Ref())
			for _, row := range rows {
				var v sightline.Layer
				if json.Unmarshal(row.Value, &v) == nil && v.SHA256 != "" {
					k.Versions = append(k.Versions, modelVersion{v.SHA256, row.At, row.By})
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}
