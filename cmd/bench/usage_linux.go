package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// watch looks, now and then, how large the resident set of a process has been (that of its parent counts for it where
// the system adds up, as it begins as a copy), and how much lies in a folder and in files that the process has open and
// that have no name any more. What it returns ends that, and tells the most that there was, in bytes.
func watch(pid int, folder string) func() (memory, disk int64) {
	stop, done := make(chan struct{}), make(chan struct{})
	var memory, disk int64
	go func() {
		defer close(done)
		for {
			memory = max(memory, largest(pid))
			disk = max(disk, inFolder(folder)+nameless(pid))
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() (int64, int64) {
		close(stop)
		<-done
		return memory, disk
	}
}

func inFolder(folder string) int64 {
	var sum int64
	_ = filepath.WalkDir(folder, func(_ string, d fs.DirEntry, err error) error {
		if err != nil {
			return nil // it was removed meanwhile
		}
		if info, err := d.Info(); err == nil && info.Mode().IsRegular() {
			sum += info.Size()
		}
		return nil
	})
	return sum
}

func nameless(pid int) int64 {
	var sum int64
	names, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink == 0 {
			sum += info.Size()
		}
	}
	return sum
}
