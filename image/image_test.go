package image

import (
	"slices"
	"testing"
)

// TestSearchPath: of several PATHs the last one counts, and runtimes have one where the environment has none.
func TestSearchPath(t *testing.T) {
	for _, tt := range []struct{ env, want []string }{
		{[]string{"PATH=/a:/b", "X=PATH=/c"}, []string{"/a", "/b"}},
		{[]string{"PATH=/a", "PATH=/b"}, []string{"/b"}},
		{nil, []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}},
	} {
		if got := (Config{Env: tt.env}).SearchPath(); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.env, got, tt.want)
		}
	}
}
