// Package cache keeps on disk what was found out, so that the next run need not ask again. It stores bytes and
// trusts nobody: what is not exactly what was put there, for exactly that key, is not there. It is for facts that
// whoever reads them checks again, or that depend on nothing but their key; a verdict has no place in it.
//
// One entry is one file, written beside its place and renamed into it, so that any number of processes may use
// one folder without locks: each sees an entry whole or not at all.
package cache

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Cache is a folder of entries. Nil is a Cache in which there is never anything. It may be used by several
// goroutines, and the folder by several processes.
type Cache struct {
	// Note, if it is set, is told of the first failure to read or write, and of no other: a cache that does not
	// work costs time and nothing else. It must not change after the first use.
	Note func(error)

	root *os.Root
	max  int64
	once sync.Once // guards Note

	mu   sync.Mutex
	size int64 // of all entries, as far as this process knows; -1 until it has looked
}

// Open opens the folder dir, and makes it, for its owner alone, if it is not there. The entries in it take at most
// about maxBytes: those that were not used for the longest time make room for new ones. A folder that belongs to
// somebody else, or that others may write to, is an error.
func Open(dir string, maxBytes int64) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	info, err := root.Stat(".")
	if err == nil {
		err = private(info)
	}
	if err != nil {
		root.Close()
		return nil, fmt.Errorf("cache %s: %w", filepath.Clean(dir), err)
	}
	return &Cache{root: root, max: maxBytes, size: -1}, nil
}

// Get returns what was last put under the key of the kind. It is the caller's to change.
func (c *Cache) Get(kind, key string) (data []byte, ok bool) {
	if c == nil {
		return nil, false
	}
	name := nameOf(kind, key)
	raw, err := c.read(name)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			c.note(err)
		}
		return nil, false
	}
	if data, ok = decode(name, raw); ok {
		// The time of the last use, by which room is made. That it cannot be set makes no difference to the caller.
		now := time.Now()
		_ = c.root.Chtimes(name, now, now)
	}
	return data, ok
}

// read reads a file. Put makes regular files; a link or a pipe in their place is nothing that we put there.
func (c *Cache) read(name string) ([]byte, error) {
	info, err := c.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > c.max {
		return nil, fs.ErrNotExist
	}
	f, err := c.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, c.max))
}

// Put keeps data under the key of the kind, in place of what was there. Data that is larger than the whole cache
// may be is not kept.
func (c *Cache) Put(kind, key string, data []byte) {
	if c == nil {
		return
	}
	c.PutFrom(kind, key, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// PutFrom is Put for data that write writes, as a stream: it need not be in memory as a whole. If write fails,
// nothing is kept. That is nothing to note: it is the caller's choice.
func (c *Cache) PutFrom(kind, key string, write func(io.Writer) error) {
	if c == nil {
		return
	}
	size, err := c.write(nameOf(kind, key), write)
	if err = errors.Join(err, c.makeRoom(size)); err != nil {
		c.note(err)
	}
}

// temporary begins the names of files that are being written.
const temporary = ".new-"

// write writes a file of another name and renames it. What is left of it if the process dies in between is removed
// by makeRoom, of this process or another.
func (c *Cache) write(name string, write func(io.Writer) error) (size int64, err error) {
	temp := temporary + rand.Text()
	f, err := c.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return 0, err
	}
	e := newEntry(f, name, c.max)
	refused := write(e)
	err = e.finish()
	if err = errors.Join(err, f.Close()); err == nil && refused == nil {
		if err = c.root.Rename(temp, name); err == nil {
			return e.size, nil
		}
	}
	return 0, errors.Join(err, c.root.Remove(temp))
}

// abandoned is the age of a temporary file that nobody is writing any more.
const abandoned = time.Hour

// makeRoom counts what was written, and removes entries once it is too much. What other processes write is seen
// when this one looks: at its first writing, and whenever it believes the cache to be full.
func (c *Cache) makeRoom(written int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size >= 0 {
		if c.size += written; c.size <= c.max {
			return nil
		}
	}
	files, err := c.files()
	if err != nil {
		return err
	}
	c.size = 0
	for _, f := range files {
		c.size += f.Size()
	}
	full := c.size > c.max
	for _, f := range files {
		// An eighth more than must go is removed, so that this is not done at every writing.
		superfluous := full && c.size > c.max-c.max/8
		if strings.HasPrefix(f.Name(), temporary) {
			superfluous = time.Since(f.ModTime()) > abandoned // or somebody is writing it
		}
		if !superfluous {
			continue
		}
		if err := c.root.Remove(f.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.size -= f.Size()
	}
	return nil
}

// files are the files of the cache, the one first that was not used for the longest time. Others in the folder
// are not touched.
func (c *Cache) files() ([]fs.FileInfo, error) {
	dir, err := c.root.Open(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	all, err := dir.Readdir(-1)
	if err != nil {
		return nil, err
	}
	all = slices.DeleteFunc(all, func(f fs.FileInfo) bool {
		_, err := hex.DecodeString(f.Name())
		ours := err == nil && len(f.Name()) == 2*sha256.Size || strings.HasPrefix(f.Name(), temporary)
		return !ours || f.IsDir()
	})
	slices.SortFunc(all, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	return all, nil
}

func (c *Cache) note(err error) {
	c.once.Do(func() {
		if c.Note != nil {
			c.Note(fmt.Errorf("the cache does not work, which costs time: %w", err))
		}
	})
}

// nameOf is the name of an entry's file: no two keys share one, and no key can be anything but a name.
func nameOf(kind, key string) string {
	framed := binary.BigEndian.AppendUint64(nil, uint64(len(kind)))
	sum := sha256.Sum256(append(append(framed, kind...), key...))
	return hex.EncodeToString(sum[:])
}

// magic begins every entry; its number changes with the form.
const magic = "tidewaiter cache entry 1\n"

// checksum is over what makes an entry's file the entry's: where it stands, and what is in it.
func checksum(name string, data []byte) []byte {
	h := sha256.New()
	io.WriteString(h, name)
	h.Write(data)
	return h.Sum(nil)
}

// entry is an entry that is being written: magic, the checksum, and the data.
type entry struct {
	f    *os.File
	max  int64
	size int64
	sum  hash.Hash
	err  error
}

const headSize = int64(len(magic) + sha256.Size)

func newEntry(f *os.File, name string, maxBytes int64) *entry {
	e := &entry{f: f, max: maxBytes, size: headSize, sum: sha256.New()}
	io.WriteString(e.sum, name)
	_, e.err = f.Seek(headSize, io.SeekStart)
	return e
}

// errTooLarge is for data that is larger than the whole cache may be.
var errTooLarge = errors.New("the entry is larger than the cache")

func (e *entry) Write(p []byte) (int, error) {
	if e.size+int64(len(p)) > e.max {
		return 0, errTooLarge
	}
	n, err := e.f.Write(p)
	e.sum.Write(p[:n])
	e.size += int64(n)
	e.err = errors.Join(e.err, err)
	return n, err
}

// finish writes what stands before the data. It returns what went wrong with the file.
func (e *entry) finish() error {
	_, err := e.f.WriteAt(e.sum.Sum([]byte(magic)), 0)
	return errors.Join(e.err, err)
}

// decode returns the data of an entry if it is whole, and stands where it was put.
func decode(name string, raw []byte) ([]byte, bool) {
	rest, ok := bytes.CutPrefix(raw, []byte(magic))
	if !ok || len(rest) < sha256.Size {
		return nil, false
	}
	sum, data := rest[:sha256.Size], rest[sha256.Size:]
	return data, bytes.Equal(sum, checksum(name, data))
}
