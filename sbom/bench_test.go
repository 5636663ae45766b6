package sbom

import (
	"bytes"
	"os"
	"testing"
)

// BenchmarkInspect is the pass over the test binary itself: hashing and matching.
func BenchmarkInspect(b *testing.B) {
	t, err := theTable()
	if err != nil {
		b.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.ReadFile(exe)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(program)))
	for b.Loop() {
		head, rest := program[:headSize], bytes.NewReader(program[headSize:])
		if _, err := t.inspect("/bin/app", 0o755, int64(len(program)), head, rest, 1<<30); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	t, _ := theTable()
	exe, _ := os.Executable()
	program, _ := os.ReadFile(exe)
	b.SetBytes(int64(len(program)))
	n := 0
	for b.Loop() {
		t.words.find(program, 0, len(program), func(w, at int) { n++ })
	}
	b.ReportMetric(float64(n), "hits")
}
