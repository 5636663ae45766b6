package image

import (
	"archive/tar"
	"slices"
	"strings"
)

// oracle is the merged view of layers, made plainly: all in memory, one member after the other, every path a
// string that is resolved anew.
type oracle struct {
	files   map[string]*Entry // visible, by path; nil for a directory that is only implied
	layer   map[string]int    // that made what is visible last
	entries []*Entry
}

// resolve returns the path that p leads to, links followed; its last part, too, if follow is set. What is
// missing is made, or is in the way and replaced, if layer is not negative.
func (o *oracle) resolve(p string, follow bool, layer int) (string, bool) {
	at, links := "/", 0
	parts := strings.Split(p, "/")
	for len(parts) > 0 {
		part := parts[0]
		parts = parts[1:]
		if part == "" || part == "." {
			continue
		}
		if !o.isDir(at) {
			return "", false
		}
		if part == ".." {
			at = parent(at)
			continue
		}
		next := join(at, part)
		e, there := o.files[next]
		if target, link := linkOf(e); link && links < maxLinks && (follow || len(parts) > 0) {
			links++
			parts = append(strings.Split(target, "/"), parts...)
			if strings.HasPrefix(target, "/") {
				at = "/"
			}
			continue
		}
		if layer >= 0 && (len(parts) > 0 || follow) && !o.isDir(next) {
			o.remove(next, layer)
			o.files[next], o.layer[next] = nil, layer
		} else if !there || follow && isLink(e) {
			return "", false
		}
		at = next
	}
	return at, true
}

func (o *oracle) isDir(p string) bool {
	e, there := o.files[p]
	return p == "/" || there && (e == nil || e.Type == Directory)
}

func linkOf(e *Entry) (string, bool) {
	if e == nil {
		return "", false
	}
	return e.symlink()
}

func isLink(e *Entry) bool { _, link := linkOf(e); return link }

func join(dir, name string) string { return strings.TrimSuffix(dir, "/") + "/" + name }

func parent(p string) string {
	if i := strings.LastIndexByte(p, '/'); i > 0 {
		return p[:i]
	}
	return "/"
}

// below returns what is at p and below it, the longest paths first.
func (o *oracle) below(p string) []string {
	var paths []string
	for q := range o.files {
		if q == p || strings.HasPrefix(q, join(p, "")) {
			paths = append(paths, q)
		}
	}
	slices.SortFunc(paths, func(a, b string) int { return len(b) - len(a) })
	return paths
}

// remove hides what is at p and below it for something else of layer.
func (o *oracle) remove(p string, layer int) {
	for _, q := range o.below(p) {
		if e := o.files[q]; e != nil {
			e.DeletedIn = layer
			e.Duplicate = e.Duplicate || e.Layer == layer
		}
		delete(o.files, q)
	}
}

// whiteout hides what lower layers have at p.
func (o *oracle) whiteout(p string, layer int) {
	for _, q := range o.below(p) {
		if o.layer[q] == layer {
			continue
		}
		if e := o.files[q]; e != nil {
			e.DeletedIn = layer
		}
		o.files[q], o.layer[q] = nil, layer
		if len(o.below(q)) == 1 {
			delete(o.files, q)
		}
	}
}

func (o *oracle) add(h tar.Header, layer int) {
	m := memberOf(&h, unixName)
	dir, base := parent(m.Name), m.Name[strings.LastIndexByte(m.Name, '/')+1:]
	if hidden, ok := strings.CutPrefix(base, ".wh."); ok {
		at, found := o.resolve(dir, true, -1)
		switch {
		case !found || !o.isDir(at) || hidden == "" || hidden == "." || hidden == "..":
		case hidden == ".wh..opq":
			for _, q := range o.below(at) {
				if parent(q) == at && q != "/" {
					o.whiteout(q, layer)
				}
			}
		case !strings.HasPrefix(hidden, ".wh."):
			if _, there := o.files[join(at, hidden)]; there {
				o.whiteout(join(at, hidden), layer)
			}
		}
		return
	}
	e := &Entry{Member: &m, Layer: layer, DeletedIn: -1}
	o.entries = append(o.entries, e)
	if m.Type == Hardlink {
		if at, ok := o.resolve(m.Linkname, false, -1); ok && !o.isDir(at) {
			if e.Target = o.files[at]; e.Target.Type == Hardlink {
				e.Target = e.Target.Target
			}
		}
	}
	at, _ := o.resolve(dir, true, layer)
	e.Path = join(at, base)
	if m.Name == "/" {
		e.Path = "/"
		if m.Type != Directory {
			e.DeletedIn = layer
			return
		}
	}
	if old := o.files[e.Path]; o.isDir(e.Path) && m.Type == Directory {
		if old != nil {
			old.DeletedIn = layer
		}
	} else if _, there := o.files[e.Path]; there {
		e.Duplicate = old != nil && old.Layer == layer
		o.remove(e.Path, layer)
	}
	o.files[e.Path], o.layer[e.Path] = e, layer
}
