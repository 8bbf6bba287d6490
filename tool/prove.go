package tool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sightline"
)

// Trial is one thing that a hostile file would try, tried from inside the
// sandbox.
type Trial struct {
	Name   string         `json:"name"`
	Held   bool           `json:"held"` // the sandbox did not let it happen
	What   sightline.Text `json:"what"`
	Detail string         `json:"detail,omitempty"` // what the system answered
}

// trials in the order of the answer. try gets the lent file, the writable
// folder, a file that was not lent and a port on which this machine listens; nil
// is success, that is, a hole.
var trials = []struct {
	name string
	what sightline.Text
	try  func(lent, dir, secret, port string) error
}{
	{"read-other", sightline.Text{"en": "read a file that was not lent", "es": "leer un archivo que no se prestó"}, func(_, _, secret, _ string) error {
		_, err := os.ReadFile(secret)
		return err
	}},
	{"read-passwd", sightline.Text{"en": "read the list of this machine's users", "es": "leer la lista de usuarios de este equipo"}, func(_, _, _, _ string) error {
		_, err := os.ReadFile("/etc/passwd")
		return err
	}},
	{"write-lent", sightline.Text{"en": "change the file it reads", "es": "cambiar el archivo que lee"}, func(lent, _, _, _ string) error {
		f, err := os.OpenFile(lent, os.O_WRONLY, 0)
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"write-system", sightline.Text{"en": "write into the system", "es": "escribir en el sistema"}, func(_, _, _, _ string) error {
		p := fmt.Sprintf("/usr/sightline-probe-%d", os.Getpid())
		err := os.WriteFile(p, []byte("x"), 0o600)
		if err == nil {
			os.Remove(p)
		}
		return err
	}},
	{"connect", sightline.Text{"en": "connect to another program over the network", "es": "conectarse a otro programa por la red"}, func(_, _, _, port string) error {
		c, err := net.DialTimeout("tcp", "127.0.0.1:"+port, time.Second)
		if err == nil {
			c.Close()
		}
		return err
	}},
	{"environment", sightline.Text{"en": "see the environment of this program, where keys may stand", "es": "ver el entorno de este programa, donde puede haber claves"}, func(_, _, _, _ string) error {
		if os.Getenv(probeEnv) != "" {
			return nil
		}
		return errors.New("not there")
	}},
	{"trace", sightline.Text{"en": "look into other programs", "es": "mirar dentro de otros programas"}, func(_, _, _, _ string) error {
		// The memory of the process that started the worker, by its number outside.
		f, err := os.Open("/proc/" + os.Getenv(probeParent) + "/mem")
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"processes", sightline.Text{"en": "see this machine's other programs", "es": "ver los demás programas de este equipo"}, func(_, _, _, _ string) error {
		list, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		n := 0
		for _, e := range list {
			if _, err := strconv.Atoi(e.Name()); err == nil {
				n++
			}
		}
		if n > 5 { // the worker, its shell and the sandbox's own
			return nil
		}
		return fmt.Errorf("%d seen, all of the sandbox", n)
	}},
}

const (
	probeEnv    = "SIGHTLINE_PROBE_SECRET"
	probeParent = "SIGHTLINE_PROBE_PARENT"
)

// ProbeWorker is the part of [Prove] that runs in the box: "probe LENT DIR SECRET PORT PID".
func ProbeWorker(args []string, out io.Writer) (meant bool, err error) {
	if len(args) == 0 || args[0] != "probe" {
		return false, nil
	}
	if len(args) != 6 {
		return true, errors.New("this verb is called by sightline itself, in the sandbox: there is nothing to see")
	}
	if _, err := os.ReadFile(args[1]); err != nil {
		return true, fmt.Errorf("the lent file cannot be read: %w", err)
	}
	if err := os.WriteFile(filepath.Join(args[2], "written"), []byte("x"), 0o600); err != nil {
		return true, fmt.Errorf("nothing can be written where it should be: %w", err)
	}
	os.Setenv(probeParent, args[5])
	list := make([]Trial, 0, len(trials))
	for _, t := range trials {
		r := Trial{Name: t.name, What: t.what}
		if err := t.try(args[1], args[2], args[3], args[4]); err != nil {
			r.Held, r.Detail = true, lastWords(err)
		}
		list = append(list, r)
	}
	return true, json.NewEncoder(out).Encode(list)
}

// lastWords is what the system answered, without the paths.
func lastWords(err error) string {
	s := err.Error()
	return s[strings.LastIndex(s, ": ")+1+min(1, strings.LastIndex(s, ": ")+1):]
}

// Prove starts a worker in the box and lets it try what a hostile file would.
// It also starts two that would never end, one that eats time and one that
// eats memory. An error means that nothing could be tried, which is no proof.
func (b *Box) Prove(ctx context.Context) ([]Trial, error) {
	dir, remove, err := b.Temp()
	if err != nil {
		return nil, err
	}
	defer remove()
	out := filepath.Join(dir, "out")
	lent, secret := filepath.Join(dir, "lent"), filepath.Join(dir, "secret")
	if err := errors.Join(os.Mkdir(out, 0o700), os.WriteFile(lent, []byte("x"), 0o600), os.WriteFile(secret, []byte("x"), 0o600)); err != nil {
		return nil, fmt.Errorf("failed to prepare the trial of the sandbox: %w", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("failed to prepare the trial of the sandbox: %w", err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	os.Setenv(probeEnv, "1")
	defer os.Unsetenv(probeEnv)
	r, err := b.Run(ctx, Cmd{Program: Self, Args: []string{"worker", "probe", lent, out, secret, port, strconv.Itoa(os.Getpid())}, Read: []string{lent}, Dir: out, Limits: Limits{Memory: 4 << 30}})
	if err != nil {
		return nil, fmt.Errorf("the sandbox could not be tried: %w", err)
	}
	var list []Trial
	if err := json.Unmarshal(r.Stdout, &list); err != nil || len(list) != len(trials) {
		return nil, errors.New("the sandbox could not be tried: its worker gave no answer")
	}
	for _, bomb := range []struct {
		name string
		what sightline.Text
		l    Limits
	}{
		{"time", sightline.Text{"en": "compute for ever", "es": "calcular sin fin"}, Limits{Wall: 500 * time.Millisecond, Memory: 4 << 30}},
		{"memory", sightline.Text{"en": "fill the memory", "es": "llenar la memoria"}, Limits{Wall: 20 * time.Second, Memory: 2 << 30}},
	} {
		if b.kind == None {
			break // nothing would end them but their own limits
		}
		start := time.Now()
		_, err := b.Run(ctx, Cmd{Program: Self, Args: []string{"worker", "bomb", bomb.name}, Dir: out, Limits: bomb.l})
		t := Trial{Name: "bomb-" + bomb.name, What: bomb.what, Held: err != nil, Detail: fmt.Sprintf("ended after %.1f s", time.Since(start).Seconds())}
		list = append(list, t)
	}
	return list, ctx.Err()
}

// Bomb is what the last two trials run: "bomb time" never ends, "bomb memory"
// takes up to 6 GiB and says so.
func Bomb(args []string) (meant bool, err error) {
	if len(args) != 2 || args[0] != "bomb" {
		return false, nil
	}
	switch args[1] {
	case "time":
		for x := uint64(1); ; x = x*6364136223846793005 + 1 {
			if x == 0 {
				return true, nil
			}
		}
	case "memory":
		var kept [][]byte
		for range 96 {
			b := make([]byte, 64<<20)
			for i := 0; i < len(b); i += 4096 {
				b[i] = 1
			}
			kept = append(kept, b)
		}
		fmt.Println(len(kept))
		return true, nil
	}
	return true, errors.New("there is no such trial")
}
