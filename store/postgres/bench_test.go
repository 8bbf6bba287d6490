package postgres

import (
	"fmt"
	"testing"
	"time"

	"sightline"
	"sightline/store/storetest"
)

// BenchmarkJob is what a job costs beside its work: claimed, beaten once and
// finished with an entry. The private cluster does not wait for its disk.
func BenchmarkJob(b *testing.B) {
	c := storetest.StartPostgres(b)
	s := begin(b, address(b, c.Database(b)), Options{LogKey: signer(b)})
	const most = 2000
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
		if err := s.Beat(ctx, j.ID, "w", time.Minute, 0.5); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Update(ctx, storetest.Owner(), func(w sightline.Writer) error {
			w.Describe(sightline.Draft{Kind: sightline.EntryDerive})
			return w.Finish(*j, sightline.JobOutcome{})
		}); err != nil {
			b.Fatal(err)
		}
	}
}
