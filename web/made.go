package web

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"sightline"
)

// madeIndex knows the digests of the derivatives of a case, so that a grid of
// thumbnails does not read the whole table once for each picture. It is read
// again when the log has grown, so a withdrawn derivative is gone at once.
type madeIndex struct {
	mu    sync.Mutex
	head  sightline.Head
	types map[string]string // SHA-256 -> media type
}

func (m *madeIndex) typeOf(ctx context.Context, c *Case, sha256 string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	err := c.Store.View(ctx, c.Actor, func(rd sightline.Reader) error {
		head, err := rd.Head()
		if err != nil || (m.types != nil && head == m.head) {
			return err
		}
		types := map[string]string{}
		for row, err := range rd.Rows(sightline.KindDerivative) {
			if err != nil {
				return err
			}
			var v sightline.Derivative
			if err := json.Unmarshal(row.Value, &v); err != nil {
				return fmt.Errorf("failed to read derivative %s: %w", row.ID, err)
			}
			types[v.SHA256] = v.Type
		}
		m.head, m.types = head, types
		return nil
	})
	if err != nil {
		return "", err
	}
	t, ok := m.types[sha256]
	if !ok {
		return "", fmt.Errorf("no derivative has the digest %s: %w", sha256, sightline.ErrNotFound)
	}
	return t, nil
}
