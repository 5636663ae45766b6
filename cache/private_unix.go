//go:build unix

package cache

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private refuses a folder whose entries could be somebody else's.
func private(dir fs.FileInfo) error {
	if stat, ok := dir.Sys().(*syscall.Stat_t); !ok || int(stat.Uid) != os.Geteuid() {
		return errors.New("it belongs to another user: name another folder")
	}
	if mode := dir.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("its mode is %v, so that others could write to it: take that away (chmod go-w), or name another folder", mode)
	}
	return nil
}
