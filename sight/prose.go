package sight

import (
	"fmt"
	"io"
	"strings"
)

// Prose writes an answer for people.
func (a *Answer) Prose(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", a.ID, a.Status)
	if a.Reason != "" {
		fmt.Fprintf(&b, "  %s\n", a.Reason)
	}
	if a.Position != nil {
		p := a.Position
		fmt.Fprintf(&b, "  Camera at east %.2f, north %.2f, up %.2f m of the scene.\n", p[0], p[1], p[2])
		if a.Projection == Equirectangular {
			fmt.Fprintf(&b, "  Panorama: its middle looks %.1f deg from north, %+.1f deg above the horizontal, roll %+.1f deg.\n", a.Angles.Heading, a.Angles.Pitch, a.Angles.Roll)
		} else {
			fmt.Fprintf(&b, "  Looks %.1f deg from north, %+.1f deg above the horizontal, roll %+.1f deg; field of view %.1f deg (focal %.0f px).\n",
				a.Angles.Heading, a.Angles.Pitch, a.Angles.Roll, a.HFOVDeg, a.FocalPx)
		}
		s := a.Ellipsoid95.SemiAxes
		fmt.Fprintf(&b, "  With 95 %% within an ellipsoid of semi-axes %.2f, %.2f and %.2f m; it %s.\n", s[0], s[1], s[2], a.WeakDirection.Text)
		top := LeftOut{}
		for _, l := range a.LeaveOneOut {
			if l.Moved > top.Moved {
				top = l
			}
		}
		if top.ID != "" {
			fmt.Fprintf(&b, "  It depends most on %q: without it the camera moves %.2f m.\n", top.ID, top.Moved)
		}
		for _, r := range a.Residuals {
			if !r.Inlier {
				fmt.Fprintf(&b, "  %q looks wrong: %s.\n", r.ID, r.Reason)
			}
		}
		for _, m := range a.Modes {
			fmt.Fprintf(&b, "  Another camera fits too (weight %.2f): %.2f, %.2f, %.2f m.\n", m.Weight, m.Position[0], m.Position[1], m.Position[2])
		}
	}
	for _, x := range a.Warnings {
		fmt.Fprintf(&b, "  Note: %s.\n", x.Text)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
