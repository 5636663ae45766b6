package image

import (
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
)

// impliedMode is the mode that runtimes give to directories that no layer spells out.
const impliedMode = os.ModeDir | 0o755

const (
	// maxLinks is how many symlinks one path may go through, as in Linux.
	maxLinks = 40
	// maxSteps bounds the components of one path with all its symlinks put in.
	maxSteps = 10_000
)

// node is a file of the merged view: what the layers so far make together.
type node struct {
	path     string
	entry    *Entry // nil for a directory that is only implied by what is in it
	layer    int    // that made it last
	parent   *node  // the root's is itself
	children map[string]*node
}

func (n *node) isDir() bool { return n.children != nil }

// tree is the merged view of the layers (OCI image-spec, layer.md), built entry by entry.
type tree struct {
	root  *node
	nodes int // made so far, for the limit: a long path implies thousands

	// hint is the directory that was resolved last: neighbours in a layer are neighbours in the tree. Whatever
	// could make it lead elsewhere clears it.
	hintPath string
	hint     *node
}

func newTree() *tree {
	root := &node{path: "/", children: map[string]*node{}}
	root.parent = root
	return &tree{root: root}
}

// dir resolves a clean, absolute path to a directory. What is missing on the way, or is in the way, is
// replaced by a directory of the given layer: the entry below it says that there is one.
func (t *tree) dir(p string, layer int) *node {
	if t.hint != nil && t.hintPath == p {
		return t.hint
	}
	replaced := false
	n := t.walk(p, func(parent *node, name string, stuck *node) *node {
		if stuck != nil {
			t.hide(stuck, layer)
			replaced = true
		}
		return t.add(parent, name, nil, layer)
	})
	if t.hintPath, t.hint = p, n; replaced {
		t.hint = nil // without the link that was in the way, p leads elsewhere
	}
	return n
}

// find resolves a path to a directory that is there, or nil.
func (t *tree) find(p string) *node {
	if n := t.walk(p, nil); n != nil && n.isDir() {
		return n
	}
	return nil
}

// walk resolves p, symlinks followed, to whatever is there. Where the next component is neither a directory
// nor a symlink that leads on, it returns nil; or, with missing, it goes on with the directory that missing
// returns, given what is stuck there (or nil).
func (t *tree) walk(p string, missing func(parent *node, name string, stuck *node) *node) *node {
	n, pending, links := t.root, strings.Split(p, "/"), 0
	for steps := 0; len(pending) > 0; steps++ {
		name := pending[0]
		pending = pending[1:]
		switch {
		case name == "" || name == ".":
			continue
		case !n.isDir():
			return nil
		case name == "..":
			n = n.parent
			continue
		}
		child := n.children[name]
		target, isLink := child.link()
		switch {
		case isLink && links < maxLinks && steps < maxSteps:
			links++
			pending = append(strings.Split(target, "/"), pending...)
			if path.IsAbs(target) {
				n = t.root
			}
			continue
		case missing != nil && (child == nil || !child.isDir()):
			child = missing(n, name, child)
		case child == nil || isLink:
			return nil
		}
		n = child
	}
	return n
}

// link returns the target of a symlink.
func (n *node) link() (string, bool) {
	if n == nil || n.entry == nil {
		return "", false
	}
	return n.entry.symlink()
}

// add puts a new node below parent.
func (t *tree) add(parent *node, name string, e *Entry, layer int) *node {
	n := &node{path: below(parent.path, name, e), entry: e, layer: layer, parent: parent}
	if e == nil || e.Type == Directory {
		n.children = map[string]*node{}
	}
	parent.children[name] = n
	t.nodes++
	return n
}

// below is the path of a name in a directory. Most entries have it already, as their own name.
func below(dir, name string, e *Entry) string {
	if p := path.Join(dir, name); e == nil || p != e.Name {
		return p
	}
	return e.Name
}

// place puts an entry where its Name leads, sets its Path, and hides what was there.
func (t *tree) place(e *Entry) error {
	parent := t.dir(path.Dir(e.Name), e.Layer)
	name := path.Base(e.Name)
	if name == "/" {
		return t.placeRoot(e)
	}
	old := parent.children[name]
	if old != nil && old.isDir() && e.Type == Directory {
		if old.entry != nil {
			old.entry.DeletedIn = e.Layer
		}
		old.entry, old.layer, e.Path = e, e.Layer, old.path
		return nil
	}
	if old != nil {
		e.Duplicate = old.entry != nil && old.entry.Layer == e.Layer
		t.hide(old, e.Layer)
	}
	e.Path = t.add(parent, name, e, e.Layer).path
	return nil
}

// placeRoot takes a directory for the root itself. Anything else of that name goes nowhere.
func (t *tree) placeRoot(e *Entry) error {
	e.Path = "/"
	if e.Type != Directory {
		e.DeletedIn = e.Layer
		return fmt.Errorf("it takes the place of the root")
	}
	if t.root.entry != nil {
		t.root.entry.DeletedIn = e.Layer
	}
	t.root.entry, t.root.layer = e, e.Layer
	return nil
}

// hide takes a node, and all below it, out of the view, because something else of layer is put in its place.
func (t *tree) hide(n *node, layer int) {
	for _, child := range n.children {
		t.hide(child, layer)
	}
	if n.entry != nil {
		n.entry.DeletedIn = layer
		n.entry.Duplicate = n.entry.Duplicate || n.entry.Layer == layer
	}
	delete(n.parent.children, path.Base(n.path))
	t.hint = nil
}

// whiteout hides what lower layers have at name in the directory p.
func (t *tree) whiteout(p, name string, layer int) {
	if parent := t.find(p); parent != nil {
		if n := parent.children[name]; n != nil {
			t.hideLower(n, layer)
		}
	}
}

// opaque hides what lower layers have in the directory p.
func (t *tree) opaque(p string, layer int) {
	if parent := t.find(p); parent != nil {
		for _, n := range parent.children {
			t.hideLower(n, layer)
		}
	}
}

// hideLower takes out of the view what is of layers below layer: whiteouts do not apply to their own layer,
// wherever in it they stand.
func (t *tree) hideLower(n *node, layer int) {
	for _, child := range n.children {
		t.hideLower(child, layer)
	}
	if n.layer == layer {
		return
	}
	if n.entry != nil {
		n.entry.DeletedIn = layer
		n.entry = nil
	}
	if n.layer = layer; len(n.children) == 0 {
		delete(n.parent.children, path.Base(n.path))
	}
	t.hint = nil
}

// lookup returns the node at p; with follow, a symlink at its end is followed.
func (t *tree) lookup(p string, follow bool) *node {
	p = strings.TrimRight(p, "/")
	name := path.Base(p)
	if follow || p == "" || name == "." || name == ".." {
		return t.walk(p, nil)
	}
	if parent := t.find(p[:len(p)-len(name)]); parent != nil {
		return parent.children[name]
	}
	return nil
}

// visible returns the node's entry; nil if there is no node.
func (n *node) visible() *Entry {
	if n == nil {
		return nil
	}
	return n.entry
}

// finish gives implied directories an entry.
func (t *tree) finish(n *node) {
	if n.entry == nil {
		n.entry = &Entry{
			Member: &Member{Name: n.path, Type: Directory, Mode: impliedMode},
			Path:   n.path, Layer: n.layer, DeletedIn: -1,
		}
	}
	for _, child := range n.children {
		t.finish(child)
	}
}

func (n *node) sorted() []*Entry {
	out := make([]*Entry, 0, len(n.children))
	for _, child := range n.children {
		out = append(out, child.entry)
	}
	slices.SortFunc(out, func(a, b *Entry) int { return strings.Compare(a.Path, b.Path) })
	return out
}
