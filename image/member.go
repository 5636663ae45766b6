package image

import (
	"archive/tar"
	"os"
	"path"
	"strings"
)

// memberTypes says what members make. What is not in it has content, like a regular file, and is treated as one.
var memberTypes = map[byte]FileType{
	tar.TypeReg:       Regular,
	tar.TypeGNUSparse: Regular,
	tar.TypeCont:      Regular,
	tar.TypeLink:      Hardlink,
	tar.TypeSymlink:   Symlink,
	tar.TypeChar:      CharDevice,
	tar.TypeBlock:     BlockDevice,
	tar.TypeDir:       Directory,
	tar.TypeFifo:      FIFO,
}

func typeOf(flag byte) FileType {
	if kind, ok := memberTypes[flag]; ok {
		return kind
	}
	return Regular
}

// typeBits are the bits of os.FileMode for a type.
var typeBits = map[FileType]os.FileMode{
	Symlink:     os.ModeSymlink,
	CharDevice:  os.ModeDevice | os.ModeCharDevice,
	BlockDevice: os.ModeDevice,
	Directory:   os.ModeDir,
	FIFO:        os.ModeNamedPipe,
}

// specialBits are the bits of a tar mode above the permissions.
var specialBits = map[int64]os.FileMode{0o4000: os.ModeSetuid, 0o2000: os.ModeSetgid, 0o1000: os.ModeSticky}

// memberOf makes a member of what its archive says, names being spelt as the platform's.
func memberOf(h *tar.Header, spell spelling) Member {
	kind := typeOf(h.Typeflag)
	m := Member{
		Name:     spell(h.Name),
		Type:     kind,
		Mode:     os.FileMode(h.Mode&0o777) | typeBits[kind],
		UID:      h.Uid,
		GID:      h.Gid,
		ModTime:  h.ModTime,
		typeflag: h.Typeflag,
	}
	for bit, mode := range specialBits {
		if h.Mode&bit != 0 {
			m.Mode |= mode
		}
	}
	_, m.Capabilities = h.PAXRecords["SCHILY.xattr.security.capability"]
	switch kind {
	case Regular:
		m.Size = h.Size
	case Symlink:
		m.Linkname = h.Linkname
	case Hardlink:
		m.Linkname = spell(h.Linkname) // names in an archive are from the image's root, and nowhere else (CVE-2026-50163)
	case CharDevice, BlockDevice:
		m.Major, m.Minor = h.Devmajor, h.Devminor
	}
	return m
}

// Sparse tells that a member's content has holes: zeros that do not stand in the archive, where a budget
// would count them.
func Sparse(h *tar.Header) bool {
	if h.Typeflag == tar.TypeGNUSparse {
		return true
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return false
}

// spelling makes of a name in an archive a clean, absolute path in the image.
type spelling func(name string) string

// spellings are the ways to read names, by the operating system of the configuration. All others are as linux.
var spellings = map[string]spelling{"windows": windowsName}

func spellingFor(os string) spelling {
	if spell, ok := spellings[os]; ok {
		return spell
	}
	return unixName
}

func unixName(name string) string { return path.Clean("/" + name) }

// windowsName is for the layers of Windows, which hold the file system below Files, and beside it Hives (the
// registry's changes) and UtilityVM. Whoever unpacks them there takes both slashes for separators.
func windowsName(name string) string {
	name = path.Clean("/" + strings.ReplaceAll(name, `\`, "/"))
	if inside, ok := strings.CutPrefix(name, "/Files"); ok && (inside == "" || inside[0] == '/') {
		return "/" + strings.TrimPrefix(inside, "/")
	}
	return name
}
