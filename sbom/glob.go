package sbom

import (
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// found is a file under the path by which a search reached it.
type found struct {
	path string
	node *node
}

// Bounds of a search: alternatives that a pattern's braces make, and links that are gone back over for one
// pattern. An image that reaches the second was made to.
const (
	maxAlternatives = 1000
	maxAliases      = 1_000_000
)

var errTooManyLinks = errors.New("too many links to search: this image has more of them than any real one")

// glob returns the files, not directories, that a pattern reaches: real paths first, then those through links.
// A file is found by a link, too, and by a path through linked directories if its real one does not match;
// each of them once. Links at the end are followed.
func (t *tree) glob(pattern string) ([]found, error) {
	pattern = cleanPattern(pattern)
	if !doublestar.ValidatePattern(pattern) {
		return nil, doublestar.ErrBadPattern
	}
	var results []found
	seen := map[string]bool{}
	add := func(p string) {
		n := t.lookup(p, true)
		if n != nil && !n.isDir() && !seen[p] {
			seen[p] = true
			results = append(results, found{p, n})
		}
	}
	budget := maxAliases
	for _, alternative := range expandBraces(pattern) {
		if !strings.ContainsAny(alternative, metaCharacters) {
			add(alternative)
			continue
		}
		for _, p := range t.candidates(alternative) {
			a := aliases{tree: t, pattern: alternative, seen: map[string]bool{}, budget: &budget}
			if match := a.match(p, ""); match != "" {
				add(match)
			}
			if budget <= 0 {
				return nil, errTooManyLinks
			}
		}
	}
	slices.SortFunc(results, func(a, b found) int {
		if aReal, bReal := a.path == a.node.path, b.path == b.node.path; aReal != bReal {
			if aReal {
				return -1
			}
			return 1
		}
		return strings.Compare(a.path, b.path)
	})
	return results, nil
}

const metaCharacters = `*?[]{}\`

// cleanPattern makes a pattern absolute and simple, as paths are.
func cleanPattern(pattern string) string {
	pattern = strings.TrimRight(strings.TrimSpace(pattern), "/")
	for strings.Contains(pattern, "//") {
		pattern = strings.ReplaceAll(pattern, "//", "/")
	}
	if !strings.HasPrefix(pattern, "/") && !strings.HasPrefix(pattern, "**") {
		pattern = "/" + pattern
	}
	return pattern
}

// expandBraces returns the patterns without alternatives that a pattern stands for: {a,b}c is ac and bc.
// Where there would be too many, or braces stand in a class or behind a backslash, the pattern is left whole.
func expandBraces(pattern string) []string {
	if strings.ContainsAny(pattern, `\[`) {
		return []string{pattern}
	}
	patterns := []string{pattern}
	for i := 0; i < len(patterns); {
		prefix, parts, suffix, ok := cutBraces(patterns[i])
		if !ok {
			i++
			continue
		}
		var more []string
		for _, part := range parts {
			more = append(more, prefix+part+suffix)
		}
		patterns = slices.Replace(patterns, i, i+1, more...)
		if len(patterns) > maxAlternatives {
			return []string{pattern}
		}
	}
	return patterns
}

// cutBraces takes a pattern apart at its first braces, and what is in them at the commas that belong to them.
func cutBraces(pattern string) (prefix string, parts []string, suffix string, ok bool) {
	open := strings.IndexByte(pattern, '{')
	if open < 0 {
		return "", nil, "", false
	}
	depth, begin := 0, open+1
	for i := open; i < len(pattern); i++ {
		switch pattern[i] {
		case '{':
			depth++
		case ',':
			if depth == 1 {
				parts = append(parts, pattern[begin:i])
				begin = i + 1
			}
		case '}':
			if depth--; depth == 0 {
				return pattern[:open], append(parts, pattern[begin:i]), pattern[i+1:], true
			}
		}
	}
	return "", nil, "", false
}

// candidates returns the paths that may match a pattern, by what its last part says of the base name.
func (t *tree) candidates(pattern string) []string {
	dir, last := path.Split(pattern)
	parent := path.Base(dir)
	if !strings.ContainsAny(dir, metaCharacters) {
		return t.childrenIn(path.Clean(dir), last)
	}
	if last == "*" && parent != "/" && !strings.ContainsAny(parent, metaCharacters) {
		return t.childrenOf(parent)
	}
	var paths []string
	for _, base := range t.basesLike(last) {
		for _, n := range t.byBase[base] {
			paths = append(paths, n.path)
		}
	}
	return paths
}

// childrenOf returns what is in the directories with a base name, and in those that links with it lead to.
func (t *tree) childrenOf(base string) []string {
	var paths []string
	for _, n := range t.byBase[base] {
		if dir := t.lookup(n.path, true); dir != nil {
			for _, child := range dir.children {
				paths = append(paths, path.Join(n.path, path.Base(child.path)))
			}
		}
	}
	return paths
}

// childrenIn returns what is in one directory, links followed, under names that match the last part of a pattern.
func (t *tree) childrenIn(dir, last string) []string {
	n := t.lookup(dir, true)
	if n == nil {
		return nil
	}
	var paths []string
	for _, child := range n.children {
		base := path.Base(child.path)
		if ok, _ := doublestar.Match(last, base); ok || last == "**" {
			paths = append(paths, path.Join(dir, base))
		}
	}
	return paths
}

// basesLike returns the base names that match the last part of a pattern.
func (t *tree) basesLike(part string) []string {
	meta := strings.IndexAny(part, metaCharacters)
	if meta < 0 {
		if t.byBase[part] == nil {
			return nil
		}
		return []string{part}
	}
	suffix := part[strings.LastIndexAny(part, metaCharacters)+1:]
	first, _ := slices.BinarySearch(t.bases, part[:meta])
	var bases []string
	for _, base := range t.bases[first:] {
		if !strings.HasPrefix(base, part[:meta]) {
			break
		}
		if !strings.HasSuffix(base, suffix) {
			continue
		}
		if ok, _ := doublestar.Match(part, base); ok || part == "**" {
			bases = append(bases, base)
		}
	}
	return bases
}

// aliases looks for the path of a file, among all those that links give it, that matches a pattern.
type aliases struct {
	tree    *tree
	pattern string
	seen    map[string]bool
	budget  *int
}

// match returns the first path that matches: that of the file itself, dir/rest, or one with a link in the
// place of one of the directories in dir.
func (a *aliases) match(dir, rest string) string {
	full := path.Join(dir, rest)
	if a.seen[full] || *a.budget <= 0 {
		return ""
	}
	a.seen[full] = true
	if a.matches(full) {
		return full
	}
	for end := 1; end < len(dir); {
		if i := strings.IndexByte(dir[end:], '/'); i >= 0 {
			end += i
		} else {
			end = len(dir)
		}
		n := a.tree.nodes[dir[:end]]
		below := full[end:]
		end++
		if n == nil || a.seen[n.path] {
			continue
		}
		a.seen[n.path] = true
		for _, link := range a.tree.linksTo[n] {
			*a.budget--
			if match := a.match(link.path, below); match != "" {
				return match
			}
		}
	}
	return ""
}

// matches says whether the path, or that of a link on the way from it to its file, matches.
func (a *aliases) matches(p string) bool {
	if ok, _ := doublestar.Match(a.pattern, p); ok {
		return true
	}
	n := a.tree.lookup(p, false)
	for range maxLinks {
		if n == nil || n.link == "" {
			return false
		}
		if ok, _ := doublestar.Match(a.pattern, n.path); ok {
			return true
		}
		n = a.tree.lookup(n.link, false)
	}
	return false
}
