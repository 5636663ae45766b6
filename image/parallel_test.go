package image

import (
	"bytes"
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// counting is a source that counts how often blobs are opened.
type counting struct {
	stored
	opened *atomic.Int64
}

func (c counting) blob(ctx context.Context, digest string) (io.ReadCloser, error) {
	c.opened.Add(1)
	return c.stored.blob(ctx, digest)
}

// TestLayerTwice: a layer that is listed twice is read once, and counts where it is listed.
func TestLayerTwice(t *testing.T) {
	twice, other := layer(t, file("a", "1"), file("b", "2")), layer(t, file(".wh.a", ""), file("b", "3"))
	p := platform(twice, other, twice)
	opened := &atomic.Int64{}
	p.source = counting{p.source.(stored), opened}
	got, _, err := view(t, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"0 /a=1 deleted in 1", "0 /b=2 deleted in 1", "1 /b=3 deleted in 2", "2 /a=1", "2 /b=2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if opened.Load() != 2 {
		t.Errorf("%d blobs were opened for 2 layers", opened.Load())
	}
}

// waiting is a source whose blob of one digest comes only when somebody else gave up.
type waiting struct {
	stored
	digest string
}

func (w waiting) blob(ctx context.Context, digest string) (io.ReadCloser, error) {
	if digest != w.digest {
		return w.stored.blob(ctx, digest)
	}
	return io.NopCloser(readerFunc(func([]byte) (int, error) {
		<-ctx.Done()
		return 0, ctx.Err()
	})), nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestOneLayerFails: what is wrong with one layer ends the reading of the others, and is what is told.
func TestOneLayerFails(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2)) // one processor would read one layer after the other
	large := layer(t, file("a", strings.Repeat("x", 1<<20)))
	p := platform(large, bytes.Repeat([]byte("no archive"), 100))
	p.source = waiting{p.source.(stored), p.Layers[0].Digest}
	_, err := p.Files(t.Context(), Options{})
	wantError(t, err, "not a tar archive")
	if err != nil && !strings.HasPrefix(err.Error(), "layer 1 ") {
		t.Errorf("%v is not of layer 1", err)
	}
}

// TestBudgetsAreShared: what all layers make together is bounded, whichever is read first.
func TestBudgetsAreShared(t *testing.T) {
	first, second := layer(t, file("a", "1"), file("b", "2")), layer(t, file("c", "3"), file("d", "4"))
	for name, tt := range map[string]struct {
		limits Limits
		want   string
	}{
		"entries":       {Limits{Entries: 3}, "the number of files exceeds the limit of 3"},
		"listed twice":  {Limits{Entries: 5}, "the number of files exceeds the limit of 5"},
		"stored bytes":  {Limits{EntryBytes: 1 << 20, EntryFloor: 3}, "one for 1048576 stored bytes"},
		"unpacked":      {Limits{Uncompressed: int64(len(first) + 10)}, "the unpacked size of all layers"},
		"kept contents": {Limits{Kept: 3}, "kept on disk exceeds the limit of 3 bytes"},
	} {
		_, err := platform(first, second, first).Files(t.Context(), Options{Limits: tt.limits, Visit: keepAll})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want %q", name, err, tt.want)
		}
	}
}

// TestKeep: contents that were not kept can be had by a second reading, and only they.
func TestKeep(t *testing.T) {
	p := platform(layer(t, file("a", "1"), file(".wh.x", ""), file("b", "2")), layer(t, file("c", "3"), hardlink("d", "b")))
	opened := &atomic.Int64{}
	p.source = counting{p.source.(stored), opened}
	f, err := p.Files(t.Context(), Options{TempDir: t.TempDir(), Visit: func(m *Member, c *Content) (bool, error) {
		c.Drop()
		return false, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Open(f.Lookup("/b")); !errors.Is(err, ErrNotKept) {
		t.Errorf("error %v, want ErrNotKept", err)
	}
	if err := f.Keep(t.Context(), []*Entry{lookupLink(f, "/d")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"/b", "/d"} {
		r, err := f.Open(lookupLink(f, name))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != "2" {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := f.Open(f.Lookup("/a")); !errors.Is(err, ErrNotKept) {
		t.Errorf("what was not asked for: error %v, want ErrNotKept", err)
	}
	if opened.Load() != 3 {
		t.Errorf("%d blobs were opened, want both layers and the lower one again", opened.Load())
	}
}

// TestDropped: content that the visitor dropped is not kept after all.
func TestDropped(t *testing.T) {
	_, err := platform(layer(t, file("a", "1"))).Files(t.Context(), Options{Visit: func(_ *Member, c *Content) (bool, error) {
		c.Drop()
		return true, nil
	}})
	wantError(t, err, "dropped and then wanted")
}

func TestProgress(t *testing.T) {
	p := platform(layer(t, file("a", strings.Repeat("x", 1<<20))), layer(t, file("b", "2")))
	var mu sync.Mutex
	last := map[int]int64{}
	f, err := p.Files(t.Context(), Options{Progress: func(layer int, read, size int64) {
		mu.Lock()
		defer mu.Unlock()
		if read < last[layer] || read > size || size != p.Layers[layer].Size {
			t.Errorf("layer %d: %d of %d bytes after %d", layer, read, size, last[layer])
		}
		last[layer] = read
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for i, l := range p.Layers {
		if last[i] != l.Size {
			t.Errorf("layer %d: %d of %d bytes in the end", i, last[i], l.Size)
		}
	}
}

// TestWindows: the layers of Windows hold the file system below Files, by either slash.
func TestWindows(t *testing.T) {
	p := platform(
		layer(t, file("Files/Windows/System32/cmd.exe", "pe"), file("Hives/Software_Delta", "hive"), file("UtilityVM/Files/x", "vm"), file(`Files\app\old.exe`, "old"), file("Files", "")),
		layer(t, file("Files/app/.wh.old.exe", ""), hardlink("Files/app/new.exe", `Files\Windows\System32\cmd.exe`), file("Filesystem/x", "y")),
	)
	p.Config.OS = "windows"
	got, _, err := view(t, p)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"0 /Windows/System32/cmd.exe=pe", "0 /Hives/Software_Delta=hive", "0 /UtilityVM/Files/x=vm", "0 /app/old.exe=old deleted in 1",
		"0 /= deleted in 0", "1 /app/new.exe=>/Windows/System32/cmd.exe", "1 /Filesystem/x=y",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestZstdMemory: a frame cannot make the decoder take more memory than it is allowed to, and those that need
// much of it are read one after the other.
func TestZstdMemory(t *testing.T) {
	archive := layer(t, file("a", strings.Repeat("x", 1<<20)))
	wide := func(log byte) []byte {
		w, err := zstd.NewWriter(nil, zstd.WithSingleSegment(false))
		if err != nil {
			t.Fatal(err)
		}
		b := w.EncodeAll(archive, nil)
		b[5] = (log - 10) << 3 // the frame's Window_Descriptor (RFC 8878, 3.1.1.1.2)
		return b
	}
	for _, window := range []byte{21, 26} {
		if _, _, err := view(t, packed(ociLayer, wide(window), archive)); err != nil {
			t.Errorf("window of 2^%d bytes: %v", window, err)
		}
		if !largeWindow.TryLock() {
			t.Fatalf("window of 2^%d bytes: it goes on keeping others from reading", window)
		}
		largeWindow.Unlock()
	}
	// A frame of a single segment that says it is of 32 GiB.
	huge := []byte{0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0}
	for name, tt := range map[string]struct {
		blob []byte
		want string
	}{
		"single segment":         {huge, "decompressed size exceeds"},
		"after a common frame":   {append(zst(t, archive[:512]), huge...), "decompressed size exceeds"},
		"window above the limit": {wide(28), "window size exceeded"},
		"large after common":     {append(zst(t, archive[:512]), wide(26)...), "window size exceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := view(t, packed(ociLayer, tt.blob, archive))
			wantError(t, err, tt.want)
		})
	}
}
