package image

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"strings"
)

// store is a set of files by slash-separated name: a folder, or an archive of one.
type store interface {
	// open opens a regular file; ErrNotFound if there is none of that name.
	open(name string) (io.ReadCloser, error)
}

// folder is a store on disk. Symlinks in it may not lead out of it.
type folder string

func (f folder) open(name string) (io.ReadCloser, error) {
	root, err := os.OpenRoot(string(f))
	if err != nil {
		return nil, fileError(name, err)
	}
	defer root.Close()
	// Asked before it is opened: opening a pipe would wait for its other end.
	info, err := root.Stat(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fail(nil, "%s is not a regular file", quote(name))
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, fileError(name, err)
	}
	return file, nil
}

func fileError(name string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fail(ErrNotFound, "%s: %v", quote(name), ErrNotFound)
	}
	return fail(err, "%s: %v", quote(name), err)
}

// archive is a store in a tar file, which is read by offset: nothing is unpacked to disk.
type archive struct {
	file    string
	members map[string]member
}

// member is where a file stands in an archive, or where its symlink leads.
type member struct {
	offset, size int64
	link         string
}

// maxMembers bounds an archive of images: layers and manifests, not the files in them.
const maxMembers = 100_000

// openArchive finds the members of a tar file. Of two of one name, the last counts, as when it is unpacked.
func openArchive(ctx context.Context, file string) (*archive, error) {
	f, err := openRegular(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	a := &archive{file: file, members: map[string]member{}}
	t := tar.NewReader(f)
	for n := 0; ; n++ {
		h, err := t.Next()
		if err == io.EOF {
			return a, nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return nil, fail(err, "not a tar archive, or a broken one: %v", err)
		}
		if n >= maxMembers {
			return nil, limited("the number of files in the archive", maxMembers, "files")
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		// The reader does not read ahead: this is where the content begins.
		offset, err := f.Seek(0, io.SeekCurrent)
		if err != nil {
			return nil, fail(err, "%v", err)
		}
		name := path.Clean("/" + h.Name)
		switch {
		case h.Typeflag == tar.TypeSymlink:
			a.members[name] = member{link: path.Join(path.Dir(name), h.Linkname)}
		case h.Typeflag == tar.TypeLink:
			a.members[name] = member{link: path.Clean("/" + h.Linkname)}
		case h.Typeflag == tar.TypeReg && !Sparse(h):
			a.members[name] = member{offset: offset, size: h.Size}
		}
	}
}

// openRegular opens a file that the user named. It does not wait for the other end of a pipe.
func openRegular(file string) (*os.File, error) {
	info, err := os.Stat(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fail(ErrNotFound, "there is no such file")
	}
	if err != nil {
		return nil, fail(err, "%v", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fail(nil, "it is not a regular file")
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fail(err, "%v", err)
	}
	head := make([]byte, 4)
	n, err := f.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		f.Close()
		return nil, fail(err, "%v", err)
	}
	if c := sniff(head[:n]); c != plain || bytes.HasPrefix(head, []byte("BZh")) || bytes.HasPrefix(head, []byte("\xfd7zX")) {
		f.Close()
		return nil, fail(nil, "the archive is compressed: unpack it to a plain tar file first")
	}
	return f, nil
}

// find returns a member; links in old archives of docker save stand for layers that are there twice.
func (a *archive) find(name string) (member, error) {
	at := path.Clean("/" + name)
	for range maxLinks {
		m, ok := a.members[at]
		if !ok {
			break
		}
		if m.link == "" {
			return m, nil
		}
		at = m.link
	}
	return member{}, fail(ErrNotFound, "%s: %v in the archive", quote(strings.TrimPrefix(name, "/")), ErrNotFound)
}

func (a *archive) open(name string) (io.ReadCloser, error) {
	m, err := a.find(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(a.file)
	if err != nil {
		return nil, fail(err, "%v", err)
	}
	return section{io.NewSectionReader(f, m.offset, m.size), f}, nil
}

// section is a part of a file that closes it.
type section struct {
	*io.SectionReader
	io.Closer
}
