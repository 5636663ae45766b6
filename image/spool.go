package image

import (
	"bytes"
	"errors"
	"io"
	"os"
)

// inMemory is how much of one file is held in memory before it goes to disk, in bytes. Most files are smaller,
// and most are not kept.
const inMemory = 1 << 20

// spool keeps file contents one after the other in one temporary file. The file has no name: where the system
// allows it, it is removed as soon as it is open, so that not even a killed process leaves it behind
// (CVE-2026-33481).
type spool struct {
	dir    string
	budget *budget // of kept bytes, which all spools of a walk share

	file *os.File
	end  int64 // of what is kept, in bytes

	// pending is what was written since the last commit or drop: spilled bytes after end, and then buffer.
	spilled int64
	buffer  []byte
}

// Write adds to the pending content. It fails only where the disk does: what goes over the limit is counted,
// and refused by commit, because not all content is meant to stay.
func (s *spool) Write(p []byte) (int, error) {
	if len(s.buffer)+len(p) > inMemory {
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	s.buffer = append(s.buffer, p...)
	return len(p), nil
}

func (s *spool) spill() error {
	if len(s.buffer) == 0 {
		return nil
	}
	start := s.end + s.spilled
	s.spilled += int64(len(s.buffer))
	if s.spilled <= s.budget.left.Load() {
		if err := s.open(); err != nil {
			return err
		}
		if _, err := s.file.WriteAt(s.buffer, start); err != nil {
			return fail(err, "temporary file: %v", err)
		}
	}
	s.buffer = s.buffer[:0]
	return nil
}

func (s *spool) open() error {
	if s.file != nil {
		return nil
	}
	f, err := os.CreateTemp(s.dir, "tidewaiter-*") // mode 0600, a name that cannot be guessed
	if err != nil {
		return fail(err, "temporary file: %v", err)
	}
	s.file = f
	_ = os.Remove(f.Name()) // what cannot be done here is done by Close
	return nil
}

// drop forgets the pending content.
func (s *spool) drop() { s.spilled, s.buffer = 0, s.buffer[:0] }

// kept is where content was kept: in a spool or in memory, or nowhere.
type kept struct {
	spool  *spool
	offset int64
	data   []byte // the content itself, if it is not nil
	// sha256 is the digest of the content, if it was kept at all and may be remembered.
	sha256 string
}

// here says whether the content can be read.
func (k kept) here() bool { return k.spool != nil || k.data != nil }

// commit keeps the pending content and returns where.
func (s *spool) commit() (kept, error) {
	if err := s.budget.spend(s.spilled + int64(len(s.buffer))); err != nil {
		return kept{}, err
	}
	if err := s.spill(); err != nil {
		return kept{}, err
	}
	at := kept{spool: s, offset: s.end}
	s.end += s.spilled
	s.spilled = 0
	return at, nil
}

// section reads kept content of a size in bytes.
func (k kept) section(size int64) *io.SectionReader {
	if k.data != nil {
		return io.NewSectionReader(bytes.NewReader(k.data), 0, size)
	}
	if k.spool == nil || k.spool.file == nil { // nothing but empty files was kept
		return io.NewSectionReader(emptyFile{}, 0, 0)
	}
	return io.NewSectionReader(k.spool.file, k.offset, size)
}

type emptyFile struct{}

func (emptyFile) ReadAt([]byte, int64) (int, error) { return 0, io.EOF }

func (s *spool) close() error {
	if s.file == nil {
		return nil
	}
	err := s.file.Close()
	if removed := os.Remove(s.file.Name()); removed != nil && !errors.Is(removed, os.ErrNotExist) {
		err = errors.Join(err, removed)
	}
	s.file = nil
	return err
}
