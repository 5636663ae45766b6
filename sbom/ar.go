package sbom

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// unar reads an ar archive, which a .deb is: a magic line, and for each member a header of text, the content,
// and a newline where that is of an odd size.
func (s *pass) unar(inner string, r io.Reader) error {
	if _, err := io.CopyN(io.Discard, r, int64(len("!<arch>\n"))); err != nil {
		return err
	}
	header := make([]byte, arHeaderSize)
	for {
		if _, err := io.ReadFull(r, header); err != nil {
			if err == io.EOF {
				return nil
			}
			return err
		}
		size, err := strconv.ParseInt(strings.TrimSpace(string(header[48:58])), 10, 64)
		if err != nil || size < 0 || !bytes.HasSuffix(header, []byte("`\n")) {
			return errors.New("its ar archive is broken")
		}
		content := io.LimitReader(r, size)
		name, err := arName(header, content)
		if err != nil {
			return err
		}
		if err := s.member(within(inner, memberName(name)), 0, content); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, r, size%2); err != nil && err != io.EOF {
			return err
		}
	}
}

// arName is a member's name, which BSD's tools put before the content if it is long (ar(5)).
func arName(header []byte, content io.Reader) (string, error) {
	name := strings.TrimSuffix(strings.TrimSpace(string(header[:16])), "/")
	long, ok := strings.CutPrefix(name, "#1/")
	if !ok {
		return name, nil
	}
	size, err := strconv.ParseUint(long, 10, 32)
	if err != nil || size > maxEntryName {
		return "", errors.New("its ar archive is broken")
	}
	rest := make([]byte, size)
	if _, err := io.ReadFull(content, rest); err != nil {
		return "", err
	}
	return strings.TrimRight(string(rest), "\x00"), nil
}
