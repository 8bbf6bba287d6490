package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"sightline"
	"sightline/blob/dir"
	"sightline/digest"
)

var ctx = context.Background()

// seeded is a reproducible source of randomness.
type seeded struct{ n uint64 }

func (s *seeded) Read(p []byte) (int, error) {
	for i := range p {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("seed"), s.n))
		s.n++
		p[i] = sum[0]
	}
	return len(p), nil
}

func fixed() Options {
	t := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	key, _ := newKey(&seeded{1000000})
	actor := KeyActor("Demo", "owner", key)
	return Options{Rand: &seeded{}, Actor: &actor, Machine: map[string]string{"host": "demo"},
		Now: func() time.Time { t = t.Add(time.Second); return t }}
}

func create(t testing.TB, o Options) *CaseFolder {
	t.Helper()
	t.Setenv("SIGHTLINE_HOME", filepath.Join(t.TempDir(), "home"))
	f, err := Create(filepath.Join(t.TempDir(), "case"), sightline.Case{ID: "test", Prefix: "T", Title: sightline.Text{"en": "Test"}, Zone: "UTC", Languages: []string{"en"}}, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// add takes some bytes into the case as intake does: bytes first, then rows
// and entry together.
func add(t testing.TB, f *CaseFolder, data string) string {
	t.Helper()
	b, err := f.Blobs.Put(ctx, strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	id := ""
	_, err = f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		if id, err = w.NextID(sightline.KindItem, ""); err != nil {
			return err
		}
		w.Describe(sightline.Draft{Kind: sightline.EntryCollect,
			Item: &sightline.EntryItem{ID: id, SHA256: b.Digest.String(), Size: b.Size, Type: "text/plain", Copy: "evidentiary"},
			Seal: map[string]any{"reason": "a test", "args": []string{"secret-name.txt"}}})
		return w.Put(&sightline.Item{ID: id, Title: sightline.Text{"en": "Item of " + data[:min(len(data), 40)]}, SHA256: b.Digest.String(), Size: b.Size, Type: "text/plain", Held: true,
			Places: []sightline.Place{{Role: "camera", Form: "point", Geo: &sightline.Geo{Lat: 10.5, Lon: -67}}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func check(t testing.TB, f *CaseFolder, o CheckOptions) *Report {
	t.Helper()
	rep, err := Check(ctx, f, o)
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// reopen closes the case and opens it for looking only.
func reopen(t testing.TB, f *CaseFolder) *CaseFolder {
	t.Helper()
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return look(t, f.Dir)
}

func look(t testing.TB, dir string) *CaseFolder {
	t.Helper()
	g, err := Open(dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { g.Close() })
	return g
}

func copyTree(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func TestCleanCase(t *testing.T) {
	f := create(t, Options{})
	for i := range 5 {
		add(t, f, fmt.Sprint("bytes ", i))
	}
	f = reopen(t, f)
	rep := check(t, f, CheckOptions{Rebuild: true})
	if !rep.OK || len(rep.Faults)+len(rep.Notes) != 0 {
		t.Errorf("a clean case: %+v", rep)
	}
	if c := rep.Checked; c.Entries != 6 || c.Objects != 6 || c.Blobs != 5 || c.Bytes != 35 || c.Checkpoints == 0 || !c.Rebuilt {
		t.Errorf("checked %+v", c)
	}
	for name, mode := range map[string]fs.FileMode{"keys/log.key": 0o600, "case.db": 0o600, "keys": 0o700} {
		if fi, err := os.Stat(filepath.Join(f.Dir, name)); err != nil || fi.Mode().Perm() != mode {
			t.Errorf("%s: %v, %v", name, fi.Mode().Perm(), err)
		}
	}
}

// TestCopiedElsewhere: a folder copied to another machine opens, the new
// device's key enters openly, and both copies check.
func TestCopiedElsewhere(t *testing.T) {
	f := create(t, Options{})
	add(t, f, "x")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	to := copyTree(t, f.Dir)
	t.Setenv("SIGHTLINE_HOME", filepath.Join(t.TempDir(), "another machine"))
	g, err := Open(to, Options{})
	if err != nil {
		t.Fatal(err)
	}
	add(t, g, "y")
	g = reopen(t, g)
	rep := check(t, g, CheckOptions{Rebuild: true})
	if !rep.OK || len(rep.Notes) != 1 || !strings.Contains(rep.Notes[0], "another machine") {
		t.Errorf("%+v", rep)
	}
	// Once in, the key does not enter again.
	g, err = Open(to, Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if ks, err := g.Store.Keys(ctx); err != nil || len(ks) != 2 {
		t.Errorf("keys %+v, %v", ks, err)
	}
}

// TestReproducible: fixed clock, keys and salts give the same bytes.
func TestReproducible(t *testing.T) {
	notes := [2][]byte{}
	for i := range notes {
		f := create(t, fixed())
		for _, s := range []string{"a", "b", "c"} {
			add(t, f, s)
		}
		c, err := f.Store.Checkpoint(ctx)
		if err != nil {
			t.Fatal(err)
		}
		notes[i] = c.Note
	}
	if !bytes.Equal(notes[0], notes[1]) {
		t.Errorf("two builds of one case differ:\n%s\n%s", notes[0], notes[1])
	}
}

func TestProofOfOurOwn(t *testing.T) {
	f := create(t, fixed())
	ids := []string{}
	for i := range 9 {
		ids = append(ids, add(t, f, fmt.Sprint("bytes ", i)))
	}
	if _, err := f.Store.Checkpoint(ctx); err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		files, err := f.Proof(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		data := fmt.Sprint("bytes ", i)
		sum := digest.Of([]byte(data)).String()
		files["WITHHELD"] = []byte("withheld")
		if err := VerifyProof(sum, files); err != nil {
			t.Errorf("withheld: %v", err)
		}
		delete(files, "WITHHELD")
		if err := VerifyProof(sum, files); err == nil {
			t.Error("neither the item nor WITHHELD was there")
		}
		files["item"] = []byte(data)
		if err := VerifyProof(sum, files); err != nil {
			t.Error(err)
		}
		if i > 1 {
			continue
		}
		if err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
			files, err = Proof(r, id, "reason", "collector")
			return err
		}); err != nil {
			t.Fatal(err)
		}
		files["item"] = []byte(data)
		if err := VerifyProof(sum, files); err != nil {
			t.Error(err)
		}
		if ok, said := stranger(t, files); !ok {
			t.Errorf("verify.py and openssl said:\n%s", said)
		}
		for name := range files {
			if name == "verify.py" || name == "VERIFY.md" {
				continue
			}
			tampered := mapsClone(files)
			b := bytes.Clone(files[name])
			for at := range b {
				b[at] ^= 1
				tampered[name] = b
				if err := VerifyProof(sum, tampered); err == nil && !harmless(name, files[name], at) {
					t.Fatalf("%s with byte %d changed from %q was accepted", name, at, files[name][at])
				}
				b[at] ^= 1
			}
		}
	}
}

func mapsClone(m map[string][]byte) map[string][]byte {
	out := map[string][]byte{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// harmless reports whether a byte of a proof file is outside what it proves:
// the frame of PEM and the end of the last line.
func harmless(name string, b []byte, at int) bool {
	if !strings.HasSuffix(name, ".pem") {
		return false
	}
	line := bytes.Count(b[:at], []byte("\n"))
	return line != 1 || b[at] == '\n'
}

// TestEveryByteOfBlobs flips every byte of every blob.
func TestEveryByteOfBlobs(t *testing.T) {
	f := create(t, Options{})
	id := add(t, f, "some bytes of evidence")
	add(t, f, "others")
	f = reopen(t, f)
	path := f.Blobs.(*dir.Dir).Path(digest.Of([]byte("some bytes of evidence")))
	os.Chmod(path, 0o600)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range b {
		b[i] ^= 0x10
		os.WriteFile(path, b, 0o600)
		b[i] ^= 0x10
		rep := check(t, f, CheckOptions{})
		if len(rep.Faults) != 1 || !strings.Contains(rep.Faults[0].String(), id) || rep.Faults[0].Digest == "" || rep.Faults[0].Entry == nil {
			t.Fatalf("byte %d: %+v", i, rep.Faults)
		}
	}
	os.WriteFile(path, b[:3], 0o600)
	if rep := check(t, f, CheckOptions{}); rep.OK || !strings.Contains(rep.Faults[0].What, "3 bytes") {
		t.Errorf("a cut blob: %+v", rep.Faults)
	}
	os.Remove(path)
	if rep := check(t, f, CheckOptions{}); rep.OK || !strings.Contains(rep.Faults[0].What, "missing") {
		t.Errorf("a missing blob: %+v", rep.Faults)
	}
}

// everyTable lists those whose every cell is evidence or follows from evidence.
var everyTable = []string{"entry", "sealed", "hash", "checkpoint", "actor_key", "object", "history", "counter", "span", "meta"}

// TestEveryCell changes each cell of each row of each table, one at a time, and
// deletes each row; the check has to find every one.
func TestEveryCell(t *testing.T) {
	if testing.Short() {
		t.Skip("several hundred replays")
	}
	f := create(t, fixed())
	add(t, f, "first")
	add(t, f, "second")
	if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		at := int64(1516019220000)
		return w.PutRaw(sightline.Ref{Kind: "event", ID: "E-001"}, []byte(fmt.Sprintf(`{"id":"E-001","title":{"en":"A shot"},"times":[{"min":%d,"max":%d}]}`, at, at)))
	}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(f.Dir, caseFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	g := look(t, f.Dir)
	if rep := check(t, g, CheckOptions{Rebuild: true}); !rep.OK {
		t.Fatalf("before any change: %+v", rep.Faults)
	}
	must(t, db, "PRAGMA synchronous=OFF")
	for _, table := range everyTable {
		for row := range count(t, db, table) {
			for _, col := range columns(t, db, table) {
				if table == "checkpoint" && col == "at" {
					continue // when a checkpoint was made is nowhere signed; a time-stamp shows it
				}
				for _, change := range changes(t, db, table, row, col) {
					tamper(t, db, g, fmt.Sprintf("%s row %d column %s", table, row, col), change)
				}
			}
			if table == "checkpoint" {
				continue // a checkpoint that was taken away is found by whoever else holds it
			}
			tamper(t, db, g, fmt.Sprintf("%s row %d deleted", table, row), nth(table, row, "DELETE FROM %s WHERE "))
		}
	}
}

// nth builds a statement about the n-th row of a table in its own order.
func nth(table string, n int, statement string) string {
	key := map[string]string{"sealed": "seq, name", "actor_key": "key, since", "history": "kind, id, rev", "counter": "name", "meta": "key"}[table]
	if key == "" {
		key = "rowid"
	}
	return fmt.Sprintf(statement+"(%s) IN (SELECT %s FROM %s ORDER BY %s LIMIT 1 OFFSET %d)", table, key, key, table, key, n)
}

func count(t *testing.T, db *sql.DB, table string) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func columns(t *testing.T, db *sql.DB, table string) (out []string) {
	t.Helper()
	rs, err := db.Query("SELECT name FROM pragma_table_info(?)", table)
	if err != nil {
		t.Fatal(err)
	}
	defer rs.Close()
	for rs.Next() {
		var s string
		if err := rs.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// changes returns statements that change one cell, each in one byte: for long
// cells the first, a middle and the last byte.
func changes(t *testing.T, db *sql.DB, table string, row int, col string) (out []string) {
	t.Helper()
	if table == "object" && col == "oid" || table == "span" && col == "oid" {
		return []string{nth(table, row, "UPDATE %s SET "+col+"="+col+"+1000 WHERE ")}
	}
	var kind string
	var size int
	q := nth(table, row, "SELECT typeof("+col+"), length("+col+") FROM %s WHERE ")
	var length sql.NullInt64
	if err := db.QueryRow(q).Scan(&kind, &length); err != nil {
		t.Fatal(err)
	}
	size = int(length.Int64)
	switch kind {
	case "integer":
		return []string{nth(table, row, "UPDATE %s SET "+col+"="+col+"+1 WHERE ")}
	case "real":
		return []string{nth(table, row, "UPDATE %s SET "+col+"="+col+"+0.5 WHERE ")}
	case "null":
		return []string{nth(table, row, "UPDATE %s SET "+col+"=1 WHERE ")}
	case "text":
		if size == 0 {
			return []string{nth(table, row, "UPDATE %s SET "+col+"='x' WHERE ")}
		}
		for _, at := range slices.Compact([]int{1, (size + 1) / 2, size}) {
			out = append(out, nth(table, row, fmt.Sprintf("UPDATE %%s SET %[1]s=substr(%[1]s,1,%[2]d-1)||char(unicode(substr(%[1]s,%[2]d,1))+1)||substr(%[1]s,%[2]d+1) WHERE ", col, at)))
		}
		return out
	}
	for _, at := range slices.Compact([]int{1, (size + 1) / 2, size}) {
		out = append(out, nth(table, row, fmt.Sprintf("UPDATE %%s SET %[1]s=CAST(substr(%[1]s,1,%[2]d-1)||CASE WHEN substr(%[1]s,%[2]d,1)=x'41' THEN x'42' ELSE x'41' END||substr(%[1]s,%[2]d+1) AS BLOB) WHERE ", col, at)))
	}
	return out
}

// tamper runs a statement, checks the case, and undoes it.
func tamper(t *testing.T, db *sql.DB, f *CaseFolder, what, statement string) {
	t.Helper()
	if _, err := db.Exec("ATTACH ':memory:' AS keep"); err != nil {
		t.Fatal(err)
	}
	table := strings.Fields(strings.NewReplacer("DELETE FROM", "", "UPDATE", "").Replace(statement))[0]
	must(t, db, "CREATE TABLE keep.old AS SELECT * FROM main."+table)
	res, err := db.Exec(statement)
	if err == nil {
		if n, _ := res.RowsAffected(); n != 1 {
			t.Errorf("%s: %d rows changed by %s", what, n, statement)
		}
		rep, err := Check(ctx, f, CheckOptions{Rebuild: true})
		if err != nil && !errors.Is(err, sightline.ErrDamaged) {
			t.Errorf("%s: the check failed: %v", what, err)
		} else if err == nil && rep.OK {
			t.Errorf("%s: not found\n%s", what, statement)
		}
	}
	must(t, db, "DELETE FROM main."+table)
	must(t, db, "INSERT INTO main."+table+" SELECT * FROM keep.old")
	must(t, db, "DROP TABLE keep.old")
	must(t, db, "DETACH keep")
}

func must(t *testing.T, db *sql.DB, q string) {
	t.Helper()
	if _, err := db.Exec(q); err != nil {
		t.Fatalf("%s: %v", q, err)
	}
}

// TestLogTampering plays an attacker who may write the database but does not
// hold the log's key.
func TestLogTampering(t *testing.T) {
	f := create(t, fixed())
	for i := range 4 {
		add(t, f, fmt.Sprint("bytes ", i))
	}
	if err := f.Close(); err != nil { // signs a checkpoint over all 5 entries
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ sql, want string }{
		"the last entry taken away":   {"DELETE FROM entry WHERE seq=4; DELETE FROM sealed WHERE seq=4; DELETE FROM history WHERE seq=4; DELETE FROM object WHERE seq=4; DELETE FROM hash WHERE idx>=7", "entries were taken away"},
		"an entry in the middle":      {"DELETE FROM entry WHERE seq=2", "entries between are missing"},
		"two entries swapped":         {"UPDATE entry SET seq=99 WHERE seq=2; UPDATE entry SET seq=2 WHERE seq=3; UPDATE entry SET seq=3 WHERE seq=99", "says that it is entry"},
		"an entry dated back":         {"UPDATE entry SET bytes=CAST(replace(CAST(bytes AS TEXT), '2026-11-24', '2026-11-23') AS BLOB) WHERE seq=3", "signature does not verify"},
		"a checkpoint of another log": {"UPDATE checkpoint SET note=CAST(replace(CAST(note AS TEXT), '/case/test', '/case/tess') AS BLOB)", "not signed by the log's key"},
		"a row added":                 {"INSERT INTO object(kind,id,sort,rev,seq,value,reason) VALUES('item','T-900','T-3900',1,3,'{\"id\":\"T-900\"}','')", "the row is not in the log"},
		"a sealed value forged":       {"UPDATE sealed SET value='\"another reason\"' WHERE name='reason' AND seq=2", "not the one the entry commits to"},
		"a sealed value taken away":   {"DELETE FROM sealed WHERE seq=2 AND name='reason'", "no entry says that it was erased"},
		"a sealed value added":        {"INSERT INTO sealed VALUES(2,'extra',zeroblob(32),'1')", "does not commit to it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := copyTree(t, f.Dir)
			db, err := sql.Open("sqlite", filepath.Join(dir, caseFile))
			if err != nil {
				t.Fatal(err)
			}
			must(t, db, c.sql)
			db.Close()
			rep := check(t, look(t, dir), CheckOptions{})
			found := false
			for _, x := range rep.Faults {
				found = found || strings.Contains(x.String(), c.want)
			}
			if !found {
				t.Errorf("no fault says %q: %+v", c.want, rep.Faults)
			}
		})
	}
}

// TestForeignLogKey: an attacker who holds a key of his own signs a new
// checkpoint over a shortened log and swaps the public key in the folder.
func TestForeignLogKey(t *testing.T) {
	f := create(t, fixed())
	add(t, f, "x")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	key, err := newKey(&seeded{777})
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(filepath.Join(f.Dir, keysDir, logKey))
	if err := saveKey(filepath.Join(f.Dir, keysDir, logKey), key); err != nil {
		t.Fatal(err)
	}
	pub, _ := publicPEM(KeyActor("", "", key).PublicKey)
	os.WriteFile(filepath.Join(f.Dir, keysDir, logPub), pub, 0o644)
	db, err := sql.Open("sqlite", filepath.Join(f.Dir, caseFile))
	if err != nil {
		t.Fatal(err)
	}
	must(t, db, "DELETE FROM checkpoint")
	db.Close()
	o := fixed()
	g, err := Open(f.Dir, o)
	if err != nil {
		t.Fatal(err)
	}
	if err := g.Close(); err != nil {
		t.Fatal(err)
	}
	rep := check(t, look(t, f.Dir), CheckOptions{})
	if len(rep.Faults) < 2 || !strings.Contains(rep.Faults[0].String()+rep.Faults[1].String(), "first entry has it") {
		t.Errorf("%+v", rep.Faults)
	}
}

// TestErase: what is erased by law is gone from every file of the folder, and
// the case still checks.
func TestErase(t *testing.T) {
	f := create(t, Options{})
	keep := add(t, f, "bystander")
	gone := add(t, f, "xylophone secret")
	if _, err := f.Store.Update(ctx, f.Actor, func(w sightline.Writer) error {
		b, err := f.Blobs.Put(ctx, strings.NewReader("small xylophone"))
		if err != nil {
			return err
		}
		return errors.Join(
			w.Put(&sightline.Derivative{ID: gone + "/thumb", Item: gone, Role: "thumb", SHA256: b.Digest.String(), Size: b.Size}),
			w.Put(&sightline.Observation{ID: gone + ".1", Item: gone, Text: sightline.Text{"en": "a xylophone"}}),
			w.Put(&sightline.Claim{ID: "C-01", Text: sightline.Text{"en": "written in the same entry"}}))
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := Erase(ctx, f, gone, "", "Bo"); !errors.Is(err, sightline.ErrInvalid) {
		t.Errorf("without a basis: %v", err)
	}
	if _, err := Erase(ctx, f, gone, "order 12/2026 of a court", "Bo"); err != nil {
		t.Fatal(err)
	}
	if _, err := Erase(ctx, f, gone, "again", "Bo"); !errors.Is(err, sightline.ErrNotFound) {
		t.Errorf("again: %v", err)
	}
	if err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		if found, err := r.Search("xylophone", 10); err != nil || len(found) != 0 {
			t.Errorf("still found: %v, %v", found, err)
		}
		c, err := sightline.Get[sightline.Claim](r, sightline.KindClaim, "C-01")
		if err != nil || c.Text["en"] != "written in the same entry" {
			t.Errorf("a bystander of the entry: %+v, %v", c, err)
		}
		_, err = sightline.Get[sightline.Item](r, sightline.KindItem, keep)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	f = reopen(t, f)
	rep := check(t, f, CheckOptions{Rebuild: true})
	if !rep.OK || len(rep.Notes) != 1 || !strings.Contains(rep.Notes[0], gone+" was erased") {
		t.Errorf("%+v", rep)
	}
	err := filepath.WalkDir(f.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(p)
		if bytes.Contains(b, []byte("xylophone")) {
			t.Errorf("%s still holds what was erased", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// The commitments stay, so the proof of the bystander still holds.
	files, err := f.Proof(ctx, keep)
	if err != nil {
		t.Fatal(err)
	}
	files["item"] = []byte("bystander")
	if err := VerifyProof("", files); err != nil {
		t.Error(err)
	}
}

// TestDamagedFile flips bytes of the database file itself. Each has to end in
// a fault or in an error that names the case file, or to change nothing that
// the case holds.
func TestDamagedFile(t *testing.T) {
	f := create(t, fixed())
	add(t, f, "first")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	dir := copyTree(t, f.Dir)
	path := filepath.Join(dir, caseFile)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	step := 397 // a prime, so that every sort of page and field is met
	if testing.Short() {
		step *= 10
	}
	silent := 0
	for i := 0; i < len(whole); i += step {
		b := bytes.Clone(whole)
		b[i] ^= 0x55
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		g, err := Open(dir, Options{ReadOnly: true})
		if err != nil {
			if !strings.Contains(err.Error(), caseFile) {
				t.Errorf("byte %d: %v", i, err)
			}
			continue
		}
		rep, err := Check(ctx, g, CheckOptions{Rebuild: true})
		if err == nil && rep.OK {
			silent++
			if same := contents(t, g); same != contents(t, look(t, f.Dir)) {
				t.Errorf("byte %d changes what the case holds and the check is silent", i)
			}
		}
		g.Close()
	}
	t.Logf("%d of %d flips fell on unused bytes", silent, (len(whole)+step-1)/step)
}

// contents is all that a reader sees of a case, as one string.
func contents(t *testing.T, f *CaseFolder) string {
	t.Helper()
	var b strings.Builder
	if err := f.Store.View(ctx, f.Actor, func(r sightline.Reader) error {
		h, err := r.Head()
		if err != nil {
			return err
		}
		fmt.Fprintln(&b, h)
		for e, err := range r.Entries(0, h.Size) {
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %x %x\n", e.Bytes, e.Signature, e.PublicKey)
			sealed, err := r.Sealed(e.Seq)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s\n", sealed)
		}
		for _, k := range sightline.Kinds {
			for row, err := range r.Rows(k) {
				if err != nil {
					return err
				}
				fmt.Fprintln(&b, row)
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
