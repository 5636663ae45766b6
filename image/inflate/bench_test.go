package inflate

import (
	"bufio"
	"bytes"
	stdgzip "compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// BenchmarkReader unpacks our own sources, this program, and the gzip files that TIDEWAITER_LAYERS matches, beside
// the other decoders.
func BenchmarkReader(b *testing.B) {
	sources, err := filepath.Glob("../../*/*.go")
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	benchmark(b, "text", pack(b, readAll(b, sources...), 6))
	benchmark(b, "program", pack(b, readAll(b, program), 6))
	layers, err := filepath.Glob(os.Getenv("TIDEWAITER_LAYERS"))
	if err != nil {
		b.Fatal(err)
	}
	for _, layer := range layers {
		benchmark(b, filepath.Base(layer)[:8], readAll(b, layer))
	}
}

func readAll(b *testing.B, names ...string) (all []byte) {
	b.Helper()
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			b.Fatal(err)
		}
		all = append(all, data...)
	}
	return all
}

func benchmark(b *testing.B, name string, packed []byte) {
	for _, decoder := range []struct {
		name string
		open func(r *bufio.Reader) (io.ReadCloser, error)
	}{
		{"own", NewReader},
		{"klauspost", func(r *bufio.Reader) (io.ReadCloser, error) { return gzip.NewReader(r) }},
		{"std", func(r *bufio.Reader) (io.ReadCloser, error) { return stdgzip.NewReader(r) }},
	} {
		b.Run(name+"/"+decoder.name, func(b *testing.B) {
			in, buffer := bufio.NewReaderSize(nil, 64<<10), make([]byte, 128<<10)
			for b.Loop() {
				in.Reset(bytes.NewReader(packed))
				z, err := decoder.open(in)
				total := 0
				for err == nil {
					var n int
					n, err = z.Read(buffer)
					total += n
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				z.Close()
				b.SetBytes(int64(total))
			}
		})
	}
}
