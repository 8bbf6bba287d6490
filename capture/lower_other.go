//go:build !linux

package capture

import "github.com/chromedp/chromedp"

// lowered has nothing to do here: the browser runs as the user who started
// this program, inside its own sandbox.
func lowered(string) (chromedp.ExecAllocatorOption, string, error) { return nil, "of the browser", nil }
