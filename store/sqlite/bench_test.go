package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"sightline"
	"sightline/store/storetest"
)

// BenchmarkJob is what a job costs beside its work: claimed and finished with
// an entry that is on the disk.
func BenchmarkJob(b *testing.B) {
	ctx := context.Background()
	s := begin(b, filepath.Join(b.TempDir(), "case.db"), Options{LogKey: signer(b)})
	const most = 5000
	if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
		for i := range most {
			if err := w.Enqueue(sightline.Job{Kind: "k", Version: "1", Input: fmt.Sprint(i)}); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		j, err := s.Claim(ctx, "w", []string{"cpu"}, time.Minute)
		if err != nil || j == nil {
			b.Fatalf("no job is left (use -benchtime with fewer than %d): %v", most, err)
		}
		if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
			w.Describe(sightline.Draft{Kind: sightline.EntryDerive})
			return w.Finish(*j, sightline.JobOutcome{})
		}); err != nil {
			b.Fatal(err)
		}
	}
}
