package sbom

import (
	"context"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/anchore/syft/syft/file"

	"github.com/tidewaiter/tidewaiter/image"
)

// sourceOf presents a tree to syft, with the contents that open gives.
func sourceOf(files map[string]string, open func(*image.Entry) (*io.SectionReader, error)) *imageSource {
	r := resolverOf(entriesOf(files))
	r.open = open
	return &imageSource{name: "app", platform: &image.Platform{Digest: "sha256:0"}, resolver: r}
}

// TestCatalogPanic: a parser that panics makes an error, not a shorter list of packages (LAY-21).
func TestCatalogPanic(t *testing.T) {
	src := sourceOf(map[string]string{"/app/package.json": "x"}, func(*image.Entry) (*io.SectionReader, error) {
		return nil, nil // reading of which panics
	})
	_, err := catalog(t.Context(), src, catalogConfig())
	if err == nil || !strings.Contains(err.Error(), "panic") || !strings.Contains(err.Error(), "/app/package.json") {
		t.Errorf("got %v, want an error about the panic and the file", err)
	}
}

// TestCatalogEnds: a cataloguer that does not end does not keep the scan from ending, and opens nothing after.
func TestCatalogEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	src := sourceOf(map[string]string{"/app/package.json": "x"}, func(*image.Entry) (*io.SectionReader, error) {
		cancel()
		return io.NewSectionReader(endless{}, 0, 1<<62), nil
	})
	if _, err := catalog(ctx, src, catalogConfig()); err == nil {
		t.Fatal("a catalog that was cut short is no error")
	}
	if _, err := src.resolver.FileContentsByLocation(file.NewLocation("/app/package.json")); err == nil {
		t.Error("a file can be opened after the end")
	}
}

// endless is content that takes its time.
type endless struct{}

func (endless) ReadAt(p []byte, _ int64) (int, error) {
	time.Sleep(time.Second)
	return len(p[:1]), nil
}

func TestListMode(t *testing.T) {
	tests := []struct {
		mode os.FileMode
		want string
	}{
		{0o755, "-rwxr-xr-x"},
		{0, "----------"},
		{0o755 | os.ModeSetuid, "-rwsr-xr-x"},
		{0o644 | os.ModeSetuid | os.ModeSetgid, "-rwSr-Sr--"},
		{0o777 | os.ModeSticky, "-rwxrwxrwt"},
	}
	for _, tt := range tests {
		if got := listMode(tt.mode); got != tt.want {
			t.Errorf("%v: got %s, want %s", tt.mode, got, tt.want)
		}
	}
}

func TestDescribe(t *testing.T) {
	const digest = "sha256:00"
	tests := []struct{ name, wantName, wantVersion string }{
		{"registry.example/shop/web:1.4", "registry.example/shop/web", "1.4"},
		{"debian", "debian", digest},
		{"", digest, digest},
		{"docker-archive:web.tar", "docker-archive:web.tar", digest},
	}
	for _, tt := range tests {
		src := &imageSource{name: tt.name, platform: &image.Platform{Digest: digest}}
		if d := src.Describe(); d.Name != tt.wantName || d.Version != tt.wantVersion {
			t.Errorf("%q: got %q %q, want %q %q", tt.name, d.Name, d.Version, tt.wantName, tt.wantVersion)
		}
	}
}
