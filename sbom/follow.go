package sbom

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Bounds of what is followed.
const (
	maxFollowed = 300    // texts that Started.Follow names
	maxRounds   = 20     // of asking it
	maxPlaces   = 20_000 // folders and files that patterns are held against
)

// follow reads what is asked for by those who know what the texts do, until they ask for nothing more that is there.
func (s *scanner) follow(bom *SBOM) error {
	if s.options.Started.Follow == nil {
		return nil
	}
	followed, places := 0, maxPlaces
	asked := map[string]bool{}
	for range maxRounds {
		more := false
		for _, pattern := range s.options.Started.Follow(bom) {
			if asked[pattern] {
				continue
			}
			asked[pattern] = true
			for _, name := range s.matching(pattern, &places) {
				if _, ok := bom.scripts[name]; ok {
					continue
				}
				text, ok := s.text(name)
				if !ok {
					s.tellLarge(name)
					continue
				}
				bom.scripts[name] = text
				followed, more = followed+1, true
			}
			if followed > maxFollowed || places < 0 {
				return fmt.Errorf("what it starts reads more than %d files", maxFollowed)
			}
		}
		if !more {
			return nil
		}
	}
	return fmt.Errorf("scripts name further scripts after %d rounds", maxRounds)
}

// tellLarge notes a file that something starts, or is told by what to start, if it is too large to be read. Programs
// in other languages than a shell's may be.
func (s *scanner) tellLarge(name string) {
	n := s.tree.lookup(name, true)
	if n == nil || n.isDir() {
		return
	}
	from := contentOf(n.entry)
	if extension := path.Ext(name); from.Size > s.limits.Script && !factsOf(from).binary && extension != "" && !slices.Contains(scriptNames, extension) {
		s.unread[from] = true
	}
}

// matching are the paths of the files that a pattern means.
func (s *scanner) matching(pattern string, places *int) []string {
	paths := []string{"/"}
	parts := strings.Split(strings.Trim(pattern, "/"), "/")
	for i, part := range parts {
		var next []string
		for _, at := range paths {
			switch {
			case part == "**" && i == len(parts)-1:
				next = append(next, s.everything(at, places)...)
			case strings.ContainsAny(part, "*?["):
				next = append(next, s.children(at, part, places)...)
			default:
				next = append(next, path.Join(at, part))
			}
		}
		paths = next
	}
	return slices.DeleteFunc(paths, func(name string) bool {
		n := s.tree.lookup(name, true)
		return n == nil || n.isDir()
	})
}

// children are what is directly in a folder and matches.
func (s *scanner) children(at, pattern string, places *int) []string {
	var names []string
	n := s.tree.lookup(at, true)
	if n == nil {
		return nil
	}
	for _, child := range n.children {
		if *places--; *places < 0 {
			break
		}
		if ok, err := path.Match(pattern, path.Base(child.path)); ok && err == nil {
			names = append(names, path.Join(at, path.Base(child.path)))
		}
	}
	return names
}

// everything is what is below a folder.
func (s *scanner) everything(at string, places *int) []string {
	names := s.children(at, "*", places)
	for _, name := range slices.Clone(names) {
		if n := s.tree.lookup(name, false); n != nil && n.isDir() && *places >= 0 {
			names = append(names, s.everything(name, places)...)
		}
	}
	return names
}
