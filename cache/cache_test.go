package cache

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const large = 1 << 20

func open(t testing.TB, dir string, max int64) *Cache {
	t.Helper()
	c, err := Open(dir, max)
	if err != nil {
		t.Fatal(err)
	}
	c.Note = func(err error) { t.Errorf("noted: %v", err) }
	t.Cleanup(func() { c.root.Close() })
	return c
}

func want(t testing.TB, c *Cache, kind, key, data string) {
	t.Helper()
	if got, ok := c.Get(kind, key); !ok || string(got) != data {
		t.Errorf("Get(%q, %q) = %.40q, %v, want %.40q", kind, key, got, ok, data)
	}
}

func wantNone(t testing.TB, c *Cache, kind, key string) {
	t.Helper()
	if got, ok := c.Get(kind, key); ok {
		t.Errorf("Get(%q, %q) = %.40q, want nothing", kind, key, got)
	}
}

func TestCache(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	c := open(t, dir, large)
	wantNone(t, c, "k", "x")
	c.Put("k", "x", []byte("1"))
	c.Put("k", "y", nil)
	c.Put("kx", "", []byte("3"))
	c.Put("k", "../../x\x00\n", []byte("4"))
	c.Put("k", "x", []byte("2"))
	for _, again := range []*Cache{c, open(t, dir, large)} {
		want(t, again, "k", "x", "2")
		want(t, again, "k", "y", "")
		want(t, again, "kx", "", "3")
		want(t, again, "k", "../../x\x00\n", "4")
		wantNone(t, again, "", "kx")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(files) != 4 {
		t.Errorf("files %q, %v, want 4", files, err)
	}
	for path, want := range map[string]fs.FileMode{dir: 0o700, files[0]: 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want mode %v", path, info.Mode(), err, want)
		}
	}
}

func TestNil(t *testing.T) {
	var c *Cache
	c.Put("k", "x", []byte("1"))
	wantNone(t, c, "k", "x")
}

func TestOpenRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	writable := t.TempDir()
	if err := os.Chmod(writable, 0o777); err != nil {
		t.Fatal(err)
	}
	theirs := t.TempDir()
	cases := map[string]string{file: "file", filepath.Join(file, "x"): "file", writable: "others could write"}
	if err := os.Chown(theirs, os.Geteuid()+1, -1); err == nil { // only root may
		cases[theirs] = "belongs to another user"
	}
	for dir, want := range cases {
		if _, err := Open(dir, large); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Open(%s): %v, want %q", dir, err, want)
		}
	}
}

// TestDamaged: an entry that is not whole, or not in its place, is not there, and can be put anew.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, large)
	entry, other := filepath.Join(dir, nameOf("k", "x")), filepath.Join(dir, nameOf("k", "other"))
	c.Put("k", "other", []byte("the data of another"))
	for name, damage := range map[string]func(raw []byte) error{
		"a bit":    func(raw []byte) error { raw[len(raw)-1] ^= 1; return os.WriteFile(entry, raw, 0o600) },
		"checksum": func(raw []byte) error { raw[len(magic)] ^= 1; return os.WriteFile(entry, raw, 0o600) },
		"cut":      func(raw []byte) error { return os.WriteFile(entry, raw[:len(raw)-1], 0o600) },
		"longer":   func(raw []byte) error { return os.WriteFile(entry, append(raw, 0), 0o600) },
		"empty":    func([]byte) error { return os.WriteFile(entry, nil, 0o600) },
		"other's":  func([]byte) error { return copyFile(other, entry) },
		"huge":     func([]byte) error { return os.Truncate(entry, 1<<40) },
		"link":     func([]byte) error { os.Remove(entry); return os.Symlink(other, entry) },
		"folder":   func([]byte) error { os.Remove(entry); return os.Mkdir(entry, 0o700) },
		"old form": func(raw []byte) error {
			return os.WriteFile(entry, bytes.Replace(raw, []byte(" 1\n"), []byte(" 0\n"), 1), 0o600)
		},
		"no entry":  func([]byte) error { return os.Remove(entry) },
		"link away": func([]byte) error { os.Remove(entry); return os.Symlink("/etc/passwd", entry) },
	} {
		t.Run(name, func(t *testing.T) {
			c.Put("k", "x", []byte("data"))
			want(t, c, "k", "x", "data")
			raw, err := os.ReadFile(entry)
			if err != nil {
				t.Fatal(err)
			}
			if err := damage(raw); err != nil {
				t.Fatal(err)
			}
			wantNone(t, c, "k", "x")
			if name == "folder" {
				os.Remove(entry)
			}
			c.Put("k", "x", []byte("new"))
			want(t, c, "k", "x", "new")
			want(t, c, "k", "other", "the data of another")
		})
	}
}

func copyFile(from, to string) error {
	raw, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, raw, 0o600)
}

// TestRoom: what was not used for the longest time goes first.
func TestRoom(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, 10_000)
	put := func(i int) { c.Put("k", fmt.Sprint(i), make([]byte, 1000)) }
	for i := range 8 {
		put(i)
		age := time.Now().Add(time.Duration(i-100) * time.Minute)
		if err := os.Chtimes(filepath.Join(dir, nameOf("k", fmt.Sprint(i))), age, age); err != nil {
			t.Fatal(err)
		}
	}
	foreign := filepath.Join(dir, "notes.txt")
	if err := os.WriteFile(foreign, make([]byte, 50_000), 0o600); err != nil {
		t.Fatal(err)
	}
	want(t, c, "k", "0", string(make([]byte, 1000))) // which is a use
	for i := range 3 {
		put(100 + i)
	}
	for i, there := range []bool{true, false, false} {
		if _, ok := c.Get("k", fmt.Sprint(i)); ok != there {
			t.Errorf("entry %d is there: %v, want %v", i, ok, there)
		}
	}
	for _, i := range []int{100, 101, 102} {
		want(t, c, "k", fmt.Sprint(i), string(make([]byte, 1000)))
	}
	for i := range 200 {
		put(i)
	}
	if size := sizeOf(t, dir) - 50_000; size > 10_000 {
		t.Errorf("%d bytes, want at most 10000", size)
	}
	c.Put("k", "too large", make([]byte, 10_000))
	wantNone(t, c, "k", "too large")
	want(t, c, "k", "199", string(make([]byte, 1000)))
	if _, err := os.Stat(foreign); err != nil {
		t.Errorf("a file that is not the cache's: %v", err)
	}
}

func sizeOf(t testing.TB, dir string) (sum int64) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// TestNoted: a cache that fails fails nobody, and says so once.
func TestNoted(t *testing.T) {
	dir := t.TempDir()
	c := open(t, dir, large)
	var notes []error
	c.Note = func(err error) { notes = append(notes, err) }
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		c.Put("k", "x", []byte("1"))
		wantNone(t, c, "k", "x")
	}
	if len(notes) != 1 || !strings.Contains(notes[0].Error(), "the cache does not work") {
		t.Errorf("noted %q, want it once", notes)
	}
}

func TestGoroutines(t *testing.T) {
	c := open(t, t.TempDir(), 20_000)
	var wait sync.WaitGroup
	for g := range 8 {
		wait.Go(func() { churn(c, g, 50, func(key string) { t.Errorf("%s has other data than was put", key) }) })
	}
	wait.Wait()
}

// churn puts and gets the same few keys with data by which a torn or foreign entry is seen.
func churn(c *Cache, seed, rounds int, bad func(key string)) {
	for i := range rounds {
		key := fmt.Sprint((i*7 + seed) % 11)
		c.Put("churn", key, bytes.Repeat([]byte(key+","), 1+(i*131+seed*17)%2000))
		if got, ok := c.Get("churn", key); ok && len(bytes.Trim(bytes.ReplaceAll(got, []byte(key+","), nil), "")) > 0 {
			bad(key)
		}
	}
}

// childVariable names the folder that a child process churns.
const childVariable = "TIDEWAITER_CACHE_TEST_DIR"

func TestMain(m *testing.M) {
	dir := os.Getenv(childVariable)
	if dir == "" {
		os.Exit(m.Run())
	}
	c, err := Open(dir, 40_000)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	c.Note = func(err error) { fmt.Println(err); os.Exit(1) }
	fmt.Println("begun")
	churn(c, os.Getpid(), 300, func(key string) { fmt.Println("torn:", key); os.Exit(1) })
}

func child(t *testing.T, dir string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd, out := exec.Command(os.Args[0]), &bytes.Buffer{}
	cmd.Env = append(os.Environ(), childVariable+"="+dir)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, out
}

// TestProcesses: several processes write, read and make room in one folder at once.
func TestProcesses(t *testing.T) {
	dir := t.TempDir()
	for range 2 { // the second time with entries in it
		var running []*exec.Cmd
		var outs []*bytes.Buffer
		for range 4 {
			cmd, out := child(t, dir)
			running, outs = append(running, cmd), append(outs, out)
		}
		for i, cmd := range running {
			if err := cmd.Wait(); err != nil {
				t.Errorf("%v: %s", err, outs[i])
			}
		}
	}
	// Each counts what it wrote itself since it last looked.
	if size := sizeOf(t, dir); size > 4*40_000 {
		t.Errorf("%d bytes", size)
	}
}

// TestKilled: processes that die while they write leave no entry that is not whole, and nothing for ever.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	for i := range 10 {
		cmd, _ := child(t, dir)
		// Whatever it is doing by then: the time makes no difference to what must hold.
		time.Sleep(time.Duration(5+3*i) * time.Millisecond)
		cmd.Process.Kill()
		cmd.Wait()
	}
	left := filepath.Join(dir, temporary+"left")
	if err := os.WriteFile(left, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := open(t, dir, 40_000)
	churn(c, 1, 50, func(key string) { t.Errorf("%s has other data than was put", key) })
	if _, err := os.Stat(left); err != nil {
		t.Errorf("a file that somebody may be writing: %v", err)
	}
	old := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(left, old, old); err != nil {
		t.Fatal(err)
	}
	open(t, dir, 40_000).Put("k", "x", nil)
	if _, err := os.Stat(left); err == nil {
		t.Error("a file that nobody writes any more was not removed")
	}
}

// encode is what the file of an entry holds.
func encode(name string, data []byte) []byte {
	return slices.Concat([]byte(magic), checksum(name, data), data)
}

func FuzzDecode(f *testing.F) {
	name := nameOf("k", "x")
	f.Add(encode(name, nil))
	f.Add(encode(name, []byte("data")))
	f.Add(encode(nameOf("k", "y"), []byte("data")))
	f.Add([]byte(magic))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		if data, ok := decode(name, raw); ok && !bytes.Equal(encode(name, data), raw) {
			t.Errorf("%q was read as %q", raw, data)
		}
		if data, ok := decode(name, encode(name, raw)); !ok || !bytes.Equal(data, raw) {
			t.Errorf("%q was put and %q got, %v", raw, data, ok)
		}
	})
}
