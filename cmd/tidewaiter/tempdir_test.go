//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestTempDirKilled: what a killed process leaves behind is gone when the next one starts, and what belongs to
// one that lives is not (LAY-24).
func TestTempDirKilled(t *testing.T) {
	const held = "TIDEWAITER_TEST_HOLDS"
	if file := os.Getenv(held); file != "" { // the process that is killed
		ownTempDir()
		f, err := os.CreateTemp("", "unpacked-*")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(f.Name()), 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
	}
	base := t.TempDir()
	t.Setenv("TMPDIR", base)
	told := filepath.Join(t.TempDir(), "told")
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTempDirKilled$")
	cmd.Env = append(os.Environ(), held+"="+told)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var left []byte
	for left == nil {
		left, _ = os.ReadFile(told)
		if len(left) == 0 {
			left = nil
		}
		time.Sleep(10 * time.Millisecond)
		if t.Context().Err() != nil {
			t.Fatal("the other process did not start")
		}
	}
	foreign := filepath.Join(base, "syft-cataloger-1")
	fresh := filepath.Join(base, tempPrefix+"fresh") // that its process has not locked yet
	for _, dir := range []string{foreign, fresh} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}

	ownTempDir()()
	if _, err := os.Stat(string(left)); err != nil {
		t.Errorf("the files of a process that lives are gone: %v", err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	ownTempDir()()
	got, _ := filepath.Glob(filepath.Join(base, tempPrefix+"*"))
	if !slices.Equal(got, []string{fresh}) {
		t.Errorf("left are %q, want only %q", got, fresh)
	}
	if _, err := os.Stat(foreign); err != nil {
		t.Error("the files of another program are gone")
	}
	if err := os.Chtimes(fresh, time.Time{}, time.Now().Add(-2*lockTime)); err != nil {
		t.Fatal(err)
	}
	remove := ownTempDir()
	if _, err := os.Stat(fresh); err == nil {
		t.Error("a folder that was never locked stays")
	}
	if filepath.Dir(os.TempDir()) != base {
		t.Errorf("temporary files go to %s", os.TempDir())
	}
	remove()
}
