package image

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// FuzzOpenArchive reads any file as the archive of an image: what it holds lies in the file, or it is an error.
func FuzzOpenArchive(f *testing.F) {
	f.Add(layer(f, file("manifest.json", "[]"), symlink("a", "manifest.json"), hardlink("b", "a"), symlink("c", "c")))
	f.Add(sparseBomb(f))
	f.Add(gnuSparse(f))
	f.Add(paxSize(f, "9223372036854775807"))
	f.Fuzz(func(t *testing.T, content []byte) {
		name := filepath.Join(t.TempDir(), "image.tar")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		a, err := openArchive(t.Context(), name)
		if err != nil {
			wantError(t, err, "")
			return
		}
		for name := range a.members {
			r, err := a.open(name)
			if err != nil {
				wantError(t, err, "")
				continue
			}
			if n, err := io.Copy(io.Discard, r); err != nil || n > int64(len(content)) {
				t.Errorf("%q: %d bytes of %d, %v", name, n, len(content), err)
			}
			r.Close()
		}
	})
}
