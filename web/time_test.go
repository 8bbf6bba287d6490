package web

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"sightline"
)

// Questions about time: lines of progress and then the answer, refusals as one
// sentence, one comparison at a time, and nothing where the desk answers none.
func TestTimeCalls(t *testing.T) {
	d := newTestDesk(t)
	for _, path := range []string{"network", "timeline/otio", "sound/TS-001"} {
		if s, _ := d.call("GET", "/api/cases/test/"+path, nil, nil); s != http.StatusForbidden {
			t.Errorf("%s without calls: %d", path, s)
		}
	}
	inside, leave := make(chan bool), make(chan bool)
	d.c.Time = &TimeCalls{
		Network: func(context.Context) (any, error) { return map[string]int{"n": 1}, nil },
		Derive:  func(_ context.Context, q []byte) (any, error) { return map[string]string{"got": string(q)}, nil },
		Listen: func(_ context.Context, q []byte, progress func(int, int, string)) (any, error) {
			if strings.Contains(string(q), "slow") {
				inside <- true
				<-leave
			}
			if strings.Contains(string(q), "bad") {
				return nil, fmt.Errorf("TS-009 is no recording: %w", sightline.ErrInvalid)
			}
			progress(1, 2, "TS-001")
			return []int{4}, nil
		},
		Sound: func(_ context.Context, item string, w io.Writer) error {
			_, err := io.WriteString(w, "RIFF"+item)
			return err
		},
		Export: func(_ context.Context, format, lang string, w io.Writer) (string, error) {
			_, err := io.WriteString(w, format+lang)
			return "text/plain", err
		},
	}
	want := func(method, path string, body any, status int, text string) {
		t.Helper()
		if s, b := d.call(method, "/api/cases/test/"+path, body, nil); s != status || !strings.Contains(string(b), text) {
			t.Errorf("%s: %d %s", path, s, b)
		}
	}
	want("GET", "network", nil, 200, `{"n":1}`)
	want("POST", "network/derive", map[string]string{"about": "x"}, 200, `about`)
	want("POST", "listen", map[string]string{}, 200, "{\"done\":1,\"of\":2,\"what\":\"TS-001\"}\n{\"answer\":[4]}\n")
	want("POST", "listen", map[string]string{"do": "bad"}, 200, "{\"error\":\"TS-009 is no recording\"}\n")
	want("GET", "sound/TS-001", nil, 200, "RIFFTS-001")
	want("GET", "timeline/edl?lang=es", nil, 200, "edles")
	done := make(chan bool)
	go func() {
		d.call("POST", "/api/cases/test/listen", map[string]string{"do": "slow"}, nil)
		close(done)
	}()
	<-inside
	want("POST", "listen", map[string]string{}, http.StatusConflict, "busy")
	leave <- true
	<-done
	if s, _ := d.call("GET", "/api/cases/test/network", nil, func(r *http.Request) { r.Header.Del("Cookie") }); s != http.StatusUnauthorized {
		t.Errorf("without the cookie: %d", s)
	}
}
