//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Each process has a folder of its own for temporary files, in which it holds a lock. The next process removes
// the folders whose lock nobody holds: those of processes that were killed. Our own files have no name and go with
// the process, but parsers of others unpack archives to named ones.
const (
	tempPrefix = "tidewaiter-run-"
	tempLock   = "lock"
	// lockTime is how long a process may take to lock its new folder.
	lockTime = time.Minute
)

// ownTempDir makes the folder, makes it the one for temporary files, and removes those that were left behind. It
// returns what removes it again. Without a place to write, all stays as it is: not every command needs one.
func ownTempDir() (remove func()) {
	base, before := os.TempDir(), os.Getenv("TMPDIR")
	sweep(base)
	dir, err := os.MkdirTemp(base, tempPrefix+"*") // mode 0700
	if err != nil {
		return func() {}
	}
	lock, err := os.OpenFile(filepath.Join(dir, tempLock), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil || syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil || os.Setenv("TMPDIR", dir) != nil {
		_ = os.RemoveAll(dir)
		return func() {}
	}
	return func() {
		_ = os.RemoveAll(dir)
		_ = lock.Close()
		_ = os.Setenv("TMPDIR", before)
	}
}

// sweep removes the folders that killed processes of the same user left in base.
func sweep(base string) {
	left, _ := filepath.Glob(filepath.Join(base, tempPrefix+"*"))
	for _, dir := range left {
		info, err := os.Lstat(dir)
		if err != nil || !info.IsDir() || !ownedByUs(info) {
			continue
		}
		lock, err := os.OpenFile(filepath.Join(dir, tempLock), os.O_RDWR|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
		if err != nil {
			if time.Since(info.ModTime()) > lockTime {
				_ = os.RemoveAll(dir)
			}
			continue
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil {
			_ = os.RemoveAll(dir)
		}
		_ = lock.Close()
	}
}

func ownedByUs(info os.FileInfo) bool {
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
