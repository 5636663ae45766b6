package sbom

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"testing"
)

// FuzzPass: what is found does not depend on how the content arrives, and is what looking for each word in
// turn finds.
func FuzzPass(f *testing.F) {
	table := mustTable(f)
	words := table.words.words
	f.Add([]byte(nil), uint16(1))
	for i, w := range words {
		next := words[(i+1)%len(words)]
		f.Add(bytes.Join([][]byte{w, next, w[1:], w}, []byte{0}), uint16(i))
		f.Add(append(bytes.Repeat([]byte{'x'}, lookBehind+i), w...), uint16(1+i%7))
	}
	f.Fuzz(func(t *testing.T, file []byte, size uint16) {
		got := passOver(t, table, file, 1+int(size))
		for i, w := range words {
			at, found := got.hits[i]
			_, quoted := got.quoted[i]
			want := int64(bytes.Index(file, w))
			switch {
			case found && !quoted && at != want:
				t.Errorf("%q found at %d, is at %d", w, at, want)
			case !found && !quoted && want >= 0 && table.uses[i].mark:
				t.Errorf("%q at %d is not found", w, want)
			case quoted && want < 0:
				t.Errorf("%q is found and not there", w)
			}
		}
		if sum := sha256.Sum256(file); got.sha256 != hex.EncodeToString(sum[:]) {
			t.Errorf("got sha256 %s", got.sha256)
		}
		whole := passOver(t, table, file, len(file)+1)
		if !maps.Equal(got.hits, whole.hits) || !maps.Equal(got.quoted, whole.quoted) {
			t.Errorf("in pieces of %d: %v %v, at once: %v %v", 1+int(size), got.hits, got.quoted, whole.hits, whole.quoted)
		}
		if !slices.Equal(got.applets, whole.applets) || !slices.Equal(got.modules, whole.modules) {
			t.Errorf("in pieces: %v %v, at once: %v %v", got.applets, got.modules, whole.applets, whole.modules)
		}
	})
}

// passOver scans file in pieces of a size.
func passOver(t *testing.T, table *table, file []byte, size int) *content {
	t.Helper()
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	p := newPass(table, "", *buf)
	p.bounds = newBounds(DefaultLimits())
	for rest := file; len(rest) > 0; {
		n := min(size, len(rest))
		p.write(rest[:n])
		rest = rest[n:]
	}
	return p.finish(true)
}

// TestPassBoundaries puts a word across every edge of the buffer.
func TestPassBoundaries(t *testing.T) {
	table := mustTable(t)
	word := table.words.words[0]
	for _, edge := range []int{readSize, 2 * readSize, 3 * readSize} {
		for at := edge - len(word) - 2; at <= edge+2; at++ {
			file := append(make([]byte, at), word...)
			file = append(file, make([]byte, 2*readSize)...)
			if got := passOver(t, table, file, len(file)).hits[0]; got != int64(at) {
				t.Fatalf("the word at %d is found at %d", at, got)
			}
		}
	}
}

func FuzzCaptures(f *testing.F) {
	f.Add([]byte("[\x00[[\x00ash\x00wget\x00\x00"))
	f.Add(append([]byte("\xff Go buildinf:\x08\x02"), make([]byte, 64)...))
	f.Add(zlibOf(f, []byte(crateList+`{"name":"a","root":true}]}`)))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, c := range crates(data) {
			if c.Kind == buildTimeKind {
				t.Errorf("crate %+v", c)
			}
		}
		for _, name := range applets(data) {
			if !isApplet([]byte(name)) {
				t.Errorf("%q is no applet", name)
			}
		}
		if info := buildInfo(data, 0); info != nil && !bytes.Contains(data, []byte(info.Path)) {
			t.Errorf("%q is not in the data", info.Path)
		}
	})
}
