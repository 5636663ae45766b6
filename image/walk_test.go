package image

import (
	"io"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// platformOf pushes img to a fresh registry and pulls its one platform.
func platformOf(t testing.TB, img v1.Image) *Platform {
	t.Helper()
	host := imagetest.Host(t)
	imagetest.Push(t, host+"/x:y", img)
	c := Client{PlainHTTP: []string{host}}
	pulled, err := c.Pull(t.Context(), mustParse(t, host+"/x:y"))
	if err != nil {
		t.Fatal(err)
	}
	return pulled.Platforms[0]
}

// keepAll keeps every file.
func keepAll(*Entry, io.Reader) (bool, error) { return true, nil }

func TestFiles(t *testing.T) {
	p := platformOf(t, imagetest.Image(t,
		map[string]string{"lib": "-> usr/lib", "usr/lib/": "", "etc/passwd": "root", "bin/sh": "elf", "tmp/gone": "miner"},
		map[string]string{"lib/evil.so": "evil", "tmp/.wh.gone": "", "bin/bash": "-> sh", "etc/.wh.": ""},
	))
	f, err := p.Files(t.Context(), Options{TempDir: t.TempDir(), Visit: keepAll})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, tt := range []struct{ path, want string }{
		{"/etc/passwd", "root"}, {"/lib/evil.so", "evil"}, {"/usr/lib/evil.so", "evil"}, {"/bin/bash", "elf"}, {"/tmp/gone", ""},
	} {
		e := f.Lookup(tt.path)
		if e == nil {
			if tt.want != "" {
				t.Errorf("Lookup(%s) = nil", tt.path)
			}
			continue
		}
		r, err := f.Open(e)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s holds %q, %v, want %q", tt.path, got, err, tt.want)
		}
	}
	for _, e := range f.All() {
		if e.Path == "/tmp/gone" && e.DeletedIn != 1 {
			t.Errorf("%s is deleted in %d, want 1", e.Path, e.DeletedIn)
		}
	}
}
