package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOpenCache: where the cache is, and what is said where it cannot be.
func TestOpenCache(t *testing.T) {
	home, other, open := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "open")
	if err := os.MkdirAll(filepath.Join(open, "entries"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(open, "entries"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ home, xdg, variable, want, note string }{
		"home":        {home, "", "", filepath.Join(home, ".cache/tidewaiter/entries"), ""},
		"cache home":  {home, other, "", filepath.Join(other, "tidewaiter/entries"), ""},
		"variable":    {home, other, filepath.Join(other, "x"), filepath.Join(other, "x/entries"), ""},
		"off":         {home, "", noCache, "", ""},
		"no home":     {"", "", "", "", "nothing is kept"},
		"relative":    {home, "", "cache", "", "no absolute path"},
		"others' too": {home, "", open, "", "others could write"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			t.Setenv("HOME", test.home)
			t.Setenv("XDG_CACHE_HOME", test.xdg)
			t.Setenv(cacheVariable, test.variable)
			var notes []string
			c := openCache(func(err error) { notes = append(notes, err.Error()) })
			if (c != nil) != (test.want != "") || (len(notes) > 0) != (test.note != "") || !strings.Contains(strings.Join(notes, "\n"), test.note) {
				t.Errorf("cache %v, noted %q, want %q", c != nil, notes, test.note)
			}
			if _, err := os.Stat(test.want); test.want != "" && err != nil {
				t.Error(err)
			}
			c.Put("k", "x", []byte("1")) // whether there is one or not
		})
	}
}
