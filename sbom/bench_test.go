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
		head, rest := program[:upxWindow], bytes.NewReader(program[upxWindow:])
		if _, err := t.inspect("/bin/app", 0o755, int64(len(program)), head, rest, 1<<30); err != nil {
			b.Fatal(err)
		}
	}
}
