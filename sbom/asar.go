package sbom

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
)

// An asar archive, which Electron has its programs in, begins with four sizes of 32 bits, a JSON text that says
// where the files are, from the end of the text on, and then the files (electron/asar, README).
const (
	asarHeader  = 16
	asarBegin   = `{"files":`
	maxAsarText = 32 << 20 // bytes
	maxAsarDeep = 64       // folders in folders
)

// isAsar knows the sizes before the text, of which the first is of the second.
func isAsar(head []byte) bool {
	return len(head) >= asarHeader+len(asarBegin) && binary.LittleEndian.Uint32(head) == 4 &&
		bytes.HasPrefix(head[asarHeader:], []byte(asarBegin))
}

// asarNode is a file or a folder.
type asarNode struct {
	Files      map[string]*asarNode `json:"files"`
	Offset     string               `json:"offset"` // decimal, from the end of the text on
	Size       int64                `json:"size"`   // bytes
	Executable bool                 `json:"executable"`
	Unpacked   bool                 `json:"unpacked"` // it is beside the archive
}

// asarFile is a file that is in the archive.
type asarFile struct {
	name         string
	offset, size int64
	mode         os.FileMode
}

// unasar reads an asar archive.
func (s *pass) unasar(inner string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 16<<10)
	head := make([]byte, asarHeader)
	if _, err := io.ReadFull(in, head); err != nil {
		return err
	}
	// The second size is of all up to the files, itself and the first one not counted; the fourth is of the text.
	rest, size := int64(binary.LittleEndian.Uint32(head[4:]))-8, int64(binary.LittleEndian.Uint32(head[12:]))
	if size > maxAsarText || size > rest || rest > size+8 {
		return errors.New("the sizes before its files are wrong")
	}
	text := make([]byte, rest)
	if _, err := io.ReadFull(in, text); err != nil {
		return err
	}
	var root asarNode
	if err := json.Unmarshal(text[:size], &root); err != nil {
		return fmt.Errorf("the text before its files is wrong: %w", err)
	}
	files, err := root.flat(nil, "", 0)
	if err != nil {
		return err
	}
	slices.SortFunc(files, func(a, b asarFile) int {
		return cmp.Or(cmp.Compare(a.offset, b.offset), cmp.Compare(a.name, b.name))
	})
	return s.asarFiles(inner, files, in)
}

// flat lists the files below a folder.
func (n *asarNode) flat(files []asarFile, at string, depth int) ([]asarFile, error) {
	if depth > maxAsarDeep || len(files) > maxMembers {
		return nil, limitError(fmt.Sprintf("it has more than %d files, or more than %d folders in each other", maxMembers, maxAsarDeep))
	}
	for name, child := range n.Files {
		if child == nil || child.Unpacked {
			continue
		}
		path := at + "/" + name
		if child.Files != nil {
			var err error
			if files, err = child.flat(files, path, depth+1); err != nil {
				return nil, err
			}
			continue
		}
		offset, err := strconv.ParseInt(child.Offset, 10, 64)
		if err != nil || offset < 0 || child.Size <= 0 {
			continue // a link, or an empty file
		}
		f := asarFile{name: memberName(path), offset: offset, size: child.Size}
		if child.Executable {
			f.mode = 0o111
		}
		files = append(files, f)
	}
	return files, nil
}

// asarFiles looks at files, which are sorted, and at what is between them and behind.
func (s *pass) asarFiles(inner string, files []asarFile, r *bufio.Reader) error {
	at := int64(0)
	var last asarFile
	for _, f := range files {
		switch {
		case f.offset == last.offset && f.size == last.size: // one content under two names
			continue
		case f.offset < at:
			return fmt.Errorf("%.100q is a part of %.100q", f.name, last.name)
		case f.offset > at:
			if err := s.member(within(inner, "before "+f.name), 0, io.LimitReader(r, f.offset-at)); err != nil {
				return err
			}
		}
		content := &io.LimitedReader{R: r, N: f.size}
		if err := s.member(within(inner, f.name), f.mode, content); err != nil {
			return err
		}
		if content.N > 0 {
			return io.ErrUnexpectedEOF
		}
		at, last = f.offset+f.size, f
	}
	if _, err := r.Peek(1); err != nil {
		return nil
	}
	return s.member(within(inner, afterEnd), 0, r)
}
