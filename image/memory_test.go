package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/cache"
)

// textFacts keep the facts of view: texts.
func textFacts(key string) Facts {
	return Facts{
		Key: key,
		Encode: func(facts any) ([]byte, bool) {
			text, _ := facts.(string)
			return []byte(text), text != "never keep this"
		},
		Decode: func(raw []byte) (any, error) {
			if string(raw) == "damaged" {
				return nil, errors.New("not facts")
			}
			return string(raw), nil
		},
	}
}

func newMemory(t testing.TB, dir string) *Memory {
	t.Helper()
	c, err := cache.Open(dir, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	c.Note = func(err error) { t.Error(err) }
	return NewMemory(c)
}

// remembering walks a platform that m remembers. What begins with "keep" is kept.
func remembering(t testing.TB, m *Memory, p *Platform, key string) (*Files, error) {
	t.Helper()
	return p.Files(t.Context(), Options{TempDir: t.TempDir(), Memory: m, Facts: textFacts(key), Visit: func(m *Member, c *Content) (bool, error) {
		head := make([]byte, 16)
		n, err := io.ReadFull(c, head)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = nil
		}
		m.Facts = string(head[:n])
		return bytes.HasPrefix(head, []byte("keep")), err
	}})
}

// everything lists all that a walk found.
func everything(t testing.TB, f *Files) []any {
	t.Helper()
	var all []any
	for _, e := range f.All() {
		m, target := *e.Member, ""
		facts, _ := m.Facts.(string)
		m.Facts, m.kept = facts, kept{}
		m.ModTime = m.ModTime.UTC()
		if e.Target != nil {
			target = e.Target.Path
		}
		content := ""
		if r, err := f.Open(e); err == nil {
			b, err := io.ReadAll(r)
			if err != nil {
				t.Fatal(err)
			}
			content = string(b)
		}
		all = append(all, []any{m, e.Path, target, e.Layer, e.DeletedIn, e.Duplicate, content})
	}
	return append(all, f.Notes)
}

// members is a layer of every sort of member.
func members(t testing.TB) []byte {
	device := tar.Header{Name: "dev/m", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 1, Mode: 0o600}
	odd := file("odd", "x")
	odd.Typeflag, odd.ModTime, odd.Uid, odd.Gid, odd.Mode = 'Y', time.Unix(-5, 7), 1<<20, 77, 0o6755
	odd.Format = tar.FormatPAX
	caps := file("caps", "keep caps")
	caps.PAXRecords = map[string]string{"SCHILY.xattr.security.capability": "x"}
	noise := make([]byte, 3*smallContent/2)
	_, _ = rand.NewChaCha8([32]byte{}).Read(noise)
	return layer(t, dir("d"), file("d/a", "keep a"), file("d/b", "b"), file("empty", ""), file(".wh.gone", ""), symlink("l", "d"),
		file("l/through", "keep through"), hardlink("h", "d/a"), device, odd, caps, file("d/b", "keep the second"),
		file("large", "keep"+string(noise)))
}

// TestMemory: a walk over layers that are remembered finds what the first found, and opens no blob.
func TestMemory(t *testing.T) {
	dir := t.TempDir()
	base, top := members(t), layer(t, file(".wh.caps", ""), file("gone", "keep"))
	p := platform(base)
	first, err := remembering(t, newMemory(t, dir), p, "k")
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	want := everything(t, first)

	opened := &atomic.Int64{}
	p.source = counting{p.source.(stored), opened}
	second, err := remembering(t, newMemory(t, dir), p, "k")
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if got := everything(t, second); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%.2000v\nwant\n%.2000v", got, want)
	}
	if opened.Load() != 0 {
		t.Errorf("%d blobs were opened", opened.Load())
	}

	// Another image on the same base pays for its own layer.
	p = platform(base, top)
	cold, err := remembering(t, nil, p, "k")
	if err != nil {
		t.Fatal(err)
	}
	defer cold.Close()
	p.source = counting{p.source.(stored), opened}
	warm, err := remembering(t, newMemory(t, dir), p, "k")
	if err != nil {
		t.Fatal(err)
	}
	defer warm.Close()
	if got, want := everything(t, warm), everything(t, cold); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%.2000v\nwant\n%.2000v", got, want)
	}
	if opened.Load() != 1 {
		t.Errorf("%d blobs were opened for one layer that is new", opened.Load())
	}
}

// TestMemoryMisses: whatever is not exactly what was read before is read.
func TestMemoryMisses(t *testing.T) {
	base := members(t)
	other := layer(t, file("evil", "keep evil"))
	windows := platform(base)
	windows.Config.OS = "windows"
	lying := platform(base)
	lying.Layers[0].DiffID = digestOf(other)
	tests := []struct {
		name    string
		p       *Platform
		key     string
		change  func(dir string)
		wantErr bool
	}{
		{name: "other rules", p: platform(base), key: "other"},
		{name: "another way to spell names", p: windows, key: "k"},
		{name: "another layer", p: platform(other), key: "k"},
		{name: "a configuration that lies", p: lying, key: "k", wantErr: true},
		{name: "an empty folder", p: platform(base), key: "k", change: func(dir string) { os.RemoveAll(dir) }},
		{name: "damaged entries", p: platform(base), key: "k", change: func(dir string) {
			for _, name := range glob(t, dir) {
				if err := os.Truncate(name, 90); err != nil {
					t.Fatal(err)
				}
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "cache")
			f, err := remembering(t, newMemory(t, dir), platform(base), "k")
			if err != nil {
				t.Fatal(err)
			}
			f.Close()
			if test.change != nil {
				test.change(dir)
			}
			opened := &atomic.Int64{}
			test.p.source = counting{test.p.source.(stored), opened}
			f, err = remembering(t, newMemory(t, dir), test.p, test.key)
			if (err != nil) != test.wantErr {
				t.Fatalf("error %v, want one: %v", err, test.wantErr)
			}
			if err == nil {
				f.Close()
			}
			if opened.Load() != 1 {
				t.Errorf("%d blobs were opened, want the one", opened.Load())
			}
		})
	}
}

func glob(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%v, %v", names, err)
	}
	return names
}

// TestMemoryLostContent: a large content that is remembered no more is read again.
func TestMemoryLostContent(t *testing.T) {
	dir := t.TempDir()
	p := platform(members(t))
	for range 2 {
		f, err := remembering(t, newMemory(t, dir), p, "k")
		if err != nil {
			t.Fatal(err)
		}
		large := f.Lookup("/large")
		if r, err := f.Open(large); err != nil || r.Size() != large.Size {
			t.Errorf("%v", err)
		}
		f.Close()
	}
	for _, name := range glob(t, dir) { // the content is the larger one
		if info, err := os.Stat(name); err == nil && info.Size() > smallContent {
			os.Remove(name)
		}
	}
	f, err := remembering(t, newMemory(t, dir), p, "k")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	large := f.Lookup("/large")
	if _, err := f.Open(large); err == nil {
		t.Fatal("the content is still there: the test has to remove another file")
	} else if !errors.Is(err, ErrNotKept) {
		t.Fatal(err)
	}
	if err := f.Keep(t.Context(), []*Entry{large}); err != nil {
		t.Fatal(err)
	}
	if r, err := f.Open(large); err != nil || r.Size() != large.Size {
		t.Error(err)
	}
}

// TestMemoryOfLies: what a registry sends under the digest of something else is remembered by nobody, and does not
// keep others from being read (LAY-25).
func TestMemoryOfLies(t *testing.T) {
	good, evil := layer(t, file("a", "good")), layer(t, file("a", "evil"))
	m := newMemory(t, t.TempDir())
	lying := platform(good)
	lying.source = stored{digestOf(good): evil}
	if f, err := remembering(t, m, lying, "k"); err == nil {
		f.Close()
		t.Fatal("a blob that is not what its digest says was taken")
	}
	f, err := remembering(t, m, platform(good), "k")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.Lookup("/a").Facts; got != "good" {
		t.Errorf("found %q", got)
	}
}

// TestMemoryLimits: what is remembered counts against the limits as what is read does.
func TestMemoryLimits(t *testing.T) {
	m := newMemory(t, t.TempDir())
	long := strings.Repeat("n", 200)
	p := platform(layer(t, file("a", "1"), file("b", strings.Repeat("2", 5000)), file(long, "3")))
	f, err := remembering(t, m, p, "k")
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	for _, limits := range []Limits{{Entries: 2}, {Uncompressed: 4000}, {Path: 100}} {
		f, err := p.Files(t.Context(), Options{Memory: m, Facts: textFacts("k"), Limits: limits})
		if err == nil {
			f.Close()
			t.Errorf("%+v: no error", limits)
		}
	}
}

// TestMemoryRefuses: a layer with facts that must not be kept is read every time.
func TestMemoryRefuses(t *testing.T) {
	m, opened := newMemory(t, t.TempDir()), &atomic.Int64{}
	p := platform(layer(t, file("a", "never keep this")))
	p.source = counting{p.source.(stored), opened}
	p.Layers[0].MediaType = plainLayer
	for range 2 {
		f, err := remembering(t, m, p, "k")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if opened.Load() != 2 {
		t.Errorf("opened %d times", opened.Load())
	}
}

// TestMemoryTogether: images that are read at the same time read their common layer once.
func TestMemoryTogether(t *testing.T) {
	m, opened := newMemory(t, t.TempDir()), &atomic.Int64{}
	base := members(t)
	var walks sync.WaitGroup
	for i := range 8 {
		p := platform(base, layer(t, file("own", strings.Repeat("x", i))))
		p.source = counting{p.source.(stored), opened}
		walks.Go(func() {
			f, err := remembering(t, m, p, "k")
			if err != nil {
				t.Error(err)
				return
			}
			f.Close()
		})
	}
	walks.Wait()
	if opened.Load() != 9 {
		t.Errorf("%d blobs were opened, want the common one and 8 others", opened.Load())
	}
}

// FuzzRecord reads what is no record, and what is one.
func FuzzRecord(f *testing.F) {
	memory := newMemory(f, f.TempDir())
	p := platform(members(f))
	walk := newWalk(p, DefaultLimits(), Options{Memory: memory, Facts: textFacts("k")})
	unpacked, entries := walk.budgets(walk.readings())
	made, err := walk.recorder(nil, unpacked, entries).record(context.Background(), p.Layers[0], func(int64) {})
	if err != nil {
		f.Fatal(err)
	}
	var raw bytes.Buffer
	if err := encodeRecord(&raw, made, textFacts("k")); err != nil {
		f.Fatal(err)
	}
	f.Add(raw.Bytes())
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := decodeRecord(raw, textFacts("k"))
		if err != nil {
			return
		}
		for _, m := range r.members {
			if m.kept.data != nil && int64(len(m.kept.data)) != m.Size {
				t.Errorf("%d bytes of content for %d", len(m.kept.data), m.Size)
			}
		}
	})
}
