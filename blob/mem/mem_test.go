package mem

import (
	"testing"

	"sightline"
	"sightline/blob/blobtest"
)

func TestSuite(t *testing.T) {
	blobtest.Run(t, func(*testing.T) sightline.Blobs { return &Mem{} })
}
