package image

import (
	"path"
	"strings"
)

// merger puts the records of layers on top of each other.
type merger struct {
	files  *Files
	limits Limits
}

// merge makes the entries and the tree of the records, lowest layer first.
func (f *Files) merge() error {
	m := merger{files: f, limits: f.walk.limits}
	p := f.walk.platform
	for i, r := range f.walk.records {
		if claimed := layerTypes[p.Layers[i].MediaType]; claimed != r.compression {
			m.note("layer %d: its media type says %s, and it is %s", i, claimed, r.compression)
		}
		for _, member := range r.members {
			if err := m.member(member, i); err != nil {
				return layerError(i, p.Layers[i], err)
			}
		}
	}
	f.tree.finish(f.tree.root)
	return nil
}

func (m *merger) note(format string, args ...any) {
	m.files.Notes = addNote(m.files.Notes, format, args...)
}

// member takes in one member of a layer.
func (m *merger) member(member *Member, layer int) error {
	if max(len(m.files.entries)+1, m.files.tree.nodes) > m.limits.Entries {
		return tooManyEntries(m.limits)
	}
	if member.isWhiteout() {
		m.whiteout(member, layer)
		return nil
	}
	e := &Entry{Member: member, Layer: layer, DeletedIn: -1}
	if _, known := memberTypes[member.typeflag]; !known {
		m.note("layer %d: %s is of the unknown type %q", layer, quote(e.Name), member.typeflag)
	}
	if e.Type == Hardlink {
		m.link(e)
	}
	if err := m.files.tree.place(e); err != nil {
		m.note("layer %d: %s: %v", layer, quote(e.Name), err)
	}
	if len(e.Path) > m.limits.Path {
		return limited("the length of a path", m.limits.Path, "bytes")
	}
	m.files.entries = append(m.files.entries, e)
	return nil
}

func (m *merger) whiteout(member *Member, layer int) {
	name := member.Name
	dir, base := path.Split(name)
	if member.Size > 0 {
		m.note("layer %d: the whiteout %s has content", layer, quote(name))
	}
	switch hidden := strings.TrimPrefix(base, whiteoutPrefix); {
	case base == opaqueMarker:
		m.files.tree.opaque(dir, layer)
	case hidden == "" || hidden == "." || hidden == "..":
		m.note("layer %d: the whiteout %s hides nothing: it has no name", layer, quote(name))
	case strings.HasPrefix(base, aufsPrefix):
		m.note("layer %d: %s is left over from AUFS", layer, quote(name))
	default:
		m.files.tree.whiteout(dir, hidden, layer)
	}
}

// link finds what a hard link shares its content with.
func (m *merger) link(e *Entry) {
	if n := m.files.tree.lookup(e.Linkname, false); n != nil && n.entry != nil && !n.isDir() {
		e.Target = n.entry
		if n.entry.Type == Hardlink {
			e.Target = n.entry.Target
		}
	}
	if e.Target == nil {
		m.note("layer %d: %s is a hard link to %s, which is not there", e.Layer, quote(e.Name), quote(e.Linkname))
	}
}
