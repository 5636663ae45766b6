package sbom

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/tidewaiter/tidewaiter/image"
)

// untar reads tar archives, also several behind each other, as an .apk has them.
func (s *pass) untar(inner string, r io.Reader) error {
	in := bufio.NewReaderSize(r, 4*blockSize)
	for {
		if err := s.untarOne(inner, in); err != nil {
			return err
		}
		if err := skipZeros(in); err != nil {
			return nil // nothing but zeros to the end
		}
		if head, _ := in.Peek(blockSize); packingOf(head) != tarPacking {
			return s.member(within(inner, afterEnd), 0, in)
		}
	}
}

func (s *pass) untarOne(inner string, r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		switch {
		case err == io.EOF:
			return nil
		case errors.Is(err, tar.ErrInsecurePath): // names only show where it was
		case err != nil:
			return err
		}
		if h.Size == 0 || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name, content := within(inner, memberName(h.Name)), io.Reader(t)
		// Holes stand nowhere and cost nothing: what is behind such a member is not far away, however large it is.
		if image.Sparse(h) {
			content = io.LimitReader(&spending{t, s.nest}, maxSparse)
			if h.Size > maxSparse {
				s.gap(name, fmt.Errorf("it has holes, and more than %d bytes with them", maxSparse))
			}
		}
		if err := s.member(name, os.FileMode(h.Mode&0o777), content); err != nil {
			return err
		}
	}
}

// skipZeros skips to the first byte that is not zero; the error is io.EOF if there is none.
func skipZeros(r *bufio.Reader) error {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return err
		}
		if b != 0 {
			return r.UnreadByte()
		}
	}
}
