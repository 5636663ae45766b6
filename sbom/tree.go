package sbom

import (
	"path"
	"slices"
	"strings"

	stereofile "github.com/anchore/stereoscope/pkg/file"

	"github.com/tidewaiter/tidewaiter/image"
)

// tree is the merged tree of an image's visible files, indexed for the ways in which syft asks. Links are
// followed as syft's own image source does it, lexically: "a/../b" is "b" even where a is a link. So what
// syft finds in an image is the same here and there.
type tree struct {
	nodes map[string]*node // by real path
	// all and bases are sorted; byBase has the nodes of each base name, sorted by path.
	all    []*node
	bases  []string
	byBase map[string][]*node
	byMIME map[string][]*node
	// linksTo has the links that lead to a node, however far away, sorted by path.
	linksTo map[*node][]*node
}

// node is a file at its real path. A directory that only the paths of others speak of has no entry.
type node struct {
	path     string
	entry    *image.Entry
	ref      stereofile.Reference
	mime     string
	link     string // where a link leads: a clean, absolute path
	children []*node
}

// isDir says whether syft sees a directory: also where there is no entry, as stereoscope has no file for it.
func (n *node) isDir() bool { return n.entry == nil || n.entry.Type == image.Directory }

// newTree makes the tree of the visible ones of entries. mime gives the type of a regular file's content.
func newTree(entries []*image.Entry, mime func(*image.Entry) string) *tree {
	t := &tree{
		nodes:   map[string]*node{},
		byBase:  map[string][]*node{},
		byMIME:  map[string][]*node{},
		linksTo: map[*node][]*node{},
	}
	for _, e := range entries {
		if e.DeletedIn < 0 {
			n := t.add(path.Clean("/" + e.Path))
			n.entry, n.mime = e, mime(e)
		}
	}
	t.index()
	for _, n := range t.all {
		n.link = t.linkOf(n)
	}
	for _, n := range t.all {
		if n.link != "" {
			if to := t.lookup(n.link, true); to != nil {
				t.linksTo[to] = append(t.linksTo[to], n)
			}
		}
	}
	return t
}

// add returns the node at a clean path, which it makes together with its parents if it is new.
func (t *tree) add(p string) *node {
	if n := t.nodes[p]; n != nil {
		return n
	}
	n := &node{path: p}
	t.nodes[p] = n
	if p != "/" {
		parent := t.add(path.Dir(p))
		parent.children = append(parent.children, n)
	}
	return n
}

func (t *tree) index() {
	t.add("/")
	for _, n := range t.nodes {
		t.all = append(t.all, n)
	}
	byPath := func(a, b *node) int { return strings.Compare(a.path, b.path) }
	slices.SortFunc(t.all, byPath)
	for _, n := range t.all {
		slices.SortFunc(n.children, byPath)
		n.ref = *stereofile.NewFileReference(stereofile.Path(n.path))
		base := path.Base(n.path)
		if t.byBase[base] == nil {
			t.bases = append(t.bases, base)
		}
		t.byBase[base] = append(t.byBase[base], n)
		if n.mime != "" {
			t.byMIME[n.mime] = append(t.byMIME[n.mime], n)
		}
	}
	slices.Sort(t.bases)
}

// linkOf returns where a node leads. A hard link whose other name is still the same file leads there;
// otherwise it is a file of its own.
func (t *tree) linkOf(n *node) string {
	switch {
	case n.entry == nil:
		return ""
	case n.entry.Type == image.Symlink && path.IsAbs(n.entry.Linkname):
		return path.Clean(n.entry.Linkname)
	case n.entry.Type == image.Symlink && n.entry.Linkname != "":
		return path.Join(path.Dir(n.path), n.entry.Linkname)
	case n.entry.Type == image.Hardlink && n.entry.Target != nil:
		if to := t.nodes[path.Clean("/"+n.entry.Target.Path)]; to != nil && to != n && to.entry == n.entry.Target {
			return to.path
		}
	}
	return ""
}

// maxLinks bounds how many links are followed for one path.
const maxLinks = 100

// lookup returns the node at a path, all links among its parents followed, and links at its end if follow is
// set. It is nil where there is none, where a link leads nowhere, and where links go in circles.
func (t *tree) lookup(p string, follow bool) *node {
	budget := maxLinks
	return t.walk(path.Clean("/"+p), follow, &budget)
}

func (t *tree) walk(p string, follow bool, budget *int) *node {
	if n := t.nodes[p]; n != nil && (n.link == "" || !follow) {
		return n
	}
	at := t.nodes["/"]
	for rest := strings.TrimPrefix(p, "/"); rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		at = t.nodes[path.Join(at.path, part)]
		if at == nil {
			return nil
		}
		if at.link == "" || rest == "" && !follow {
			continue
		}
		if *budget--; *budget <= 0 {
			return nil
		}
		if at = t.walk(at.link, true, budget); at == nil {
			return nil
		}
	}
	return at
}
