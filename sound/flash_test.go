package sound

import (
	"math"
	"testing"
)

func TestFlashToBang(t *testing.T) {
	// 0 degrees, still air: 331.3 m/s, a kilometre in 3.0184 s.
	d, sd := FlashToBang(1000/331.3, 1.0/60, 0, 0, 0, 0)
	if math.Abs(d-1000) > 1e-9 || math.Abs(sd-331.3/60) > 1e-9 {
		t.Errorf("%g m, sd %g", d, sd)
	}
	// A wind of 10 m/s towards the recorder carries the sound further in that time.
	if e, _ := FlashToBang(3, 0, 0, 0, 10, 0); math.Abs(e-3*341.3) > 1e-9 {
		t.Errorf("with wind %g m", e)
	}
}
