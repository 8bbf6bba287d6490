package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"sightline"
)

// ModelCalls are the hand-made models of a case's scene.
type ModelCalls struct {
	// List gives the documents of the models, each with its versions.
	List func(context.Context) (any, error)
	// Save puts a model document into the scene, or takes the model with the id
	// in remove out of it, as one entry of the log.
	Save func(ctx context.Context, by sightline.Actor, document []byte, remove, reason string) (any, error)
}

func (s *Server) modelRoutes() {
	s.mux.HandleFunc("GET /api/cases/{case}/models", s.inCase(s.models))
	s.mux.HandleFunc("POST /api/cases/{case}/models", s.inCase(s.saveModel))
}

func noModels() error {
	return fmt.Errorf("models are not made here: %w", sightline.ErrDenied)
}

func (s *Server) models(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Models == nil {
		return noModels()
	}
	a, err := c.Models.List(r.Context())
	if err == nil {
		reply(w, a)
	}
	return err
}

func (s *Server) saveModel(w http.ResponseWriter, r *http.Request, c *Case) error {
	if c.Models == nil {
		return noModels()
	}
	b, err := question(w, r)
	if err != nil {
		return err
	}
	var q struct {
		Document json.RawMessage `json:"document"`
		Remove   string          `json:"remove"`
		Reason   string          `json:"reason"`
	}
	if err := json.Unmarshal(b, &q); err != nil {
		return fmt.Errorf("the question is not the JSON of a model: %v: %w", err, sightline.ErrInvalid)
	}
	if (len(q.Document) == 0) == (q.Remove == "") {
		return fmt.Errorf("give either a document to put in or the id of a model to remove: %w", sightline.ErrInvalid)
	}
	a, err := c.Models.Save(r.Context(), s.actor(r, c), q.Document, q.Remove, q.Reason)
	if err == nil {
		reply(w, a)
	}
	return err
}
