package sbom

import (
	"context"
	"maps"

	"github.com/anchore/syft/syft/cataloging"
	syftsbom "github.com/anchore/syft/syft/sbom"

	"github.com/tidewaiter/tidewaiter/image"
)

// rpmCataloger is syft's name of the one that reads rpm's databases.
const rpmCataloger = "rpm-db-cataloger"

// rpmOf are the packages of rpm that syft found. It was not asked, and found is nil, if there is no database of rpm.
func (l *ledger) rpmOf(found *syftsbom.SBOM) []*installed {
	if found == nil {
		return nil
	}
	var all []*installed
	for _, p := range found.Artifacts.Packages.Sorted() {
		if made := rpmPackage(p); made != nil {
			all = append(all, made)
		}
	}
	return all
}

// isLast tells whether files are all those of rpm's databases that are visible in the end.
func (l *ledger) isLast(there map[string]*image.Entry) bool {
	count := 0
	for _, e := range l.files {
		if databaseOf(e.Path) == rpmType && e.DeletedIn < 0 {
			count++
		}
	}
	for _, e := range there {
		if e.DeletedIn >= 0 {
			return false
		}
	}
	return count == len(there)
}

// rpmIn are the packages of rpm in a layer. Syft reads them, as they are in a file of a database system, from the
// tree of files that was visible then. last are those that it found in the image as it is.
func (l *ledger) rpmIn(ctx context.Context, layer int, there map[string]*image.Entry, last []*installed) ([]*installed, error) {
	there = maps.Clone(there)
	maps.DeleteFunc(there, func(name string, _ *image.Entry) bool { return databaseOf(name) != rpmType })
	if len(there) == 0 {
		return nil, nil
	}
	if l.isLast(there) {
		return last, nil
	}
	var entries []*image.Entry
	for _, e := range l.s.files.All() {
		if visibleIn(e, layer) {
			then := *e
			then.DeletedIn = -1
			entries = append(entries, &then)
		}
	}
	t := newTree(entries, func(*image.Entry) string { return "" })
	only := catalogConfig().WithCatalogerSelection(cataloging.NewSelectionRequest().WithDefaults(rpmCataloger))
	found, err := l.s.catalog(ctx, l.s.source(t), only)
	if err != nil {
		return nil, err
	}
	return l.rpmOf(found), nil
}
