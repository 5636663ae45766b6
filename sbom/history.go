package sbom

import (
	"context"
	"maps"
	"math"
	"slices"

	"github.com/tidewaiter/tidewaiter/image"
)

// claim notes which packages say that they bring a file, for all files that are there.
func (l *ledger) claim() {
	known := map[*installed]bool{}
	for _, p := range l.orphans {
		known[p] = true
	}
	for _, st := range l.states {
		for _, p := range st.packages {
			known[p] = true
		}
	}
	for p := range known {
		for name, r := range p.files {
			if at := l.place(name); l.at[at] != nil {
				l.claims[at] = append(l.claims[at], claim{p, r})
			}
		}
	}
	for _, d := range l.diversions {
		from, to := l.place(d.from), l.place(d.to)
		if from == to {
			continue
		}
		for _, c := range l.claims[from] {
			if c.by.name != d.by {
				l.claims[to] = append(l.claims[to], c)
			}
		}
	}
}

// hash reads layers again for files of which a digest is recorded that was not taken when they streamed by.
func (l *ledger) hash(ctx context.Context) error {
	missing := map[*facts]map[algorithm]bool{}
	var entries []*image.Entry
	for at, claims := range l.claims {
		for _, e := range l.at[at] {
			e = l.behind(e)
			if e == nil {
				continue
			}
			f, ok := e.Facts.(*facts)
			if !ok || !f.isChecked() || !f.kind.isRun() {
				continue
			}
			for _, c := range claims {
				if c.digest == "" || f.sums[c.algorithm] != "" {
					continue
				}
				if missing[f] == nil {
					missing[f] = map[algorithm]bool{}
					entries = append(entries, e)
				}
				missing[f][c.algorithm] = true
			}
		}
	}
	if err := l.keep(ctx, entries); err != nil {
		return err
	}
	for _, e := range entries {
		f := e.Facts.(*facts)
		for a := range missing[f] {
			section, err := l.s.files.Open(e)
			if err != nil {
				return err
			}
			if f.sums[a], err = sumOf(a, section); err != nil {
				return err
			}
		}
	}
	return nil
}

// behind is the entry with the content that an entry leads to, in the image as it is; nil if there is none.
func (l *ledger) behind(e *image.Entry) *image.Entry {
	if e.Type == image.Symlink && e.DeletedIn < 0 {
		e = l.s.files.Lookup(e.Path)
	}
	if e == nil || contentOf(e).Type != image.Regular {
		return nil
	}
	return contentOf(e)
}

// follow goes through the states from the first on, and decides in which layers which package counts.
func (l *ledger) follow() {
	counts := map[packageID]*installed{}
	for i, st := range l.states {
		next := maps.Clone(st.packages)
		for id, old := range counts {
			how, paths := l.compare(old, st)
			if len(paths) == 0 {
				delete(l.changes, id)
				continue
			}
			next[id] = old
			if l.changes[id] == nil {
				l.changes[id] = &change{how, st.layer, old.database, paths}
			}
		}
		counts = next
		until := math.MaxInt
		if i+1 < len(l.states) {
			until = l.states[i+1].layer
		}
		for _, p := range counts {
			p.valid = append(p.valid, period{st.layer, until})
		}
	}
	l.adopt()
	known := 0
	for _, p := range counts {
		if len(p.files) > 0 {
			known++
		}
	}
	l.ownersKnown = known > 0 && 2*known >= len(counts)
}

// compare returns what a state does to a package that counted before, with the files that show it; none if it is
// as usual.
func (l *ledger) compare(old *installed, st state) (how string, paths []string) {
	now := st.packages[old.packageID]
	if now == old {
		return "", nil
	}
	empty := !st.has(old.kind)
	if how = changeEdited; now == nil {
		how = changeLost
	}
	for name, was := range old.files {
		if was.config {
			continue
		}
		at := l.place(name)
		changed := now == nil && (l.remains(at, was, st.layer) || empty && l.isThere(at, st.layer))
		if now != nil && was.digest != "" {
			is := now.files[name]
			if changed = is.digest != was.digest || is.config; is.digest == "" || is.config {
				changed = changed && l.isThere(at, st.layer)
			}
		}
		if changed && !l.ownedBy(st, at, old.packageID) {
			paths = append(paths, name)
		}
	}
	slices.Sort(paths)
	return how, paths
}

// isThere says whether there is a file in a layer.
func (l *ledger) isThere(at string, layer int) bool {
	return slices.ContainsFunc(l.at[at], func(e *image.Entry) bool { return visibleIn(e, layer) })
}

// has says whether a package manager has any package.
func (st state) has(kind string) bool {
	for id := range st.packages {
		if id.kind == kind {
			return true
		}
	}
	return false
}

// remains says whether a file is there in a layer that was there before, or is as recorded: a package manager
// that removes a package leaves none.
func (l *ledger) remains(at string, was record, layer int) bool {
	return slices.ContainsFunc(l.at[at], func(e *image.Entry) bool {
		same := was.digest != "" && factsOf(contentOf(e)).sums[was.algorithm] == was.digest
		return visibleIn(e, layer) && (e.Layer < layer || same)
	})
}

// ownedBy says whether a state has another package that brings a file.
func (l *ledger) ownedBy(st state, at string, other packageID) bool {
	return slices.ContainsFunc(l.claims[at], func(c claim) bool {
		return c.by.packageID != other && st.packages[c.by.packageID] == c.by
	})
}

// findOrphans finds the packages of dpkg of which there are checksums in the end, and no word in its status: somebody
// took it out.
func (l *ledger) findOrphans() error {
	last := l.states[len(l.states)-1]
	listed := map[string]bool{}
	for id := range last.packages {
		listed[id.name] = listed[id.name] || id.kind == debType
	}
	for _, e := range l.files {
		name, ok := checksumsOf(e.Path)
		if !ok || listed[name] || e.DeletedIn >= 0 {
			continue
		}
		sums, err := parse(l, e, md5sums)
		if err != nil {
			return err
		}
		id := packageID{kind: debType, name: name}
		l.orphans = append(l.orphans, &installed{packageID: id, database: dpkgStatus, files: dpkgRecords(sums, nil, nil, nil)})
	}
	return nil
}

// adopt lets orphans count in the end, but for those that a lower layer has as packages.
func (l *ledger) adopt() {
	last := l.states[len(l.states)-1]
	known := map[string]bool{}
	for id := range l.changes {
		known[id.name] = true
	}
	for _, p := range l.orphans {
		if how, paths := l.compare(p, last); len(paths) > 0 && !known[p.name] {
			p.valid = []period{{last.layer, math.MaxInt}}
			l.changes[p.packageID] = &change{how, last.layer, p.database, paths}
		}
	}
}
