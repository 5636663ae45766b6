package sbom

import (
	"cmp"
	"slices"
	"strings"
)

// change is what a layer did to a package's entry in a database, and to no file.
type change struct {
	how      string
	layer    int
	database string
	paths    []string
}

// What a change may be.
const (
	changeRemoved = "removed"
	changeLost    = "lost"
	changeEdited  = "edited"
)

// DatabaseChange is what a layer did to a package database as no package manager does it.
type DatabaseChange struct {
	Database string `json:"database"` // path of the file
	// Change is "removed" (no package is listed any more), "lost" (some are not, and their files are there) or
	// "edited" (digests are other ones than for the same version of a package before).
	Change      string `json:"change"`
	Layer       int    `json:"layer"`
	LayerDigest string `json:"layerDigest"`
	CreatedBy   string `json:"createdBy,omitempty"`
	// Packages are the first of so many, sorted; Files the first files that show it.
	Packages []string `json:"packages"`
	Count    int      `json:"count"`
	Files    []string `json:"files"`
}

// maxNamed bounds the packages and the files that a DatabaseChange names.
const maxNamed = 20

// changed sums the changes up, by layer and database.
func (l *ledger) changed() []DatabaseChange {
	all := []DatabaseChange{}
	for id, c := range l.changes {
		how := c.how
		if how == changeLost && l.isEmpty(id.kind, c.layer) {
			how = changeRemoved
		}
		i := slices.IndexFunc(all, func(d DatabaseChange) bool {
			return d.Database == c.database && d.Change == how && d.Layer == c.layer
		})
		if i < 0 {
			i = len(all)
			made := DatabaseChange{Database: c.database, Change: how, Layer: c.layer}
			if layers := l.s.platform.Layers; c.layer < len(layers) {
				made.LayerDigest, made.CreatedBy = layers[c.layer].Digest, layers[c.layer].CreatedBy
			}
			all = append(all, made)
		}
		all[i].Packages = append(all[i].Packages, id.name)
		all[i].Files = append(all[i].Files, c.paths...)
	}
	for i := range all {
		d := &all[i]
		d.Count = len(d.Packages)
		slices.Sort(d.Packages)
		slices.Sort(d.Files)
		d.Packages = d.Packages[:min(len(d.Packages), maxNamed)]
		d.Files = d.Files[:min(len(d.Files), maxNamed)]
	}
	slices.SortFunc(all, compareChanges)
	return all
}

// isEmpty says whether a package manager has no packages from a layer on.
func (l *ledger) isEmpty(kind string, layer int) bool {
	return slices.ContainsFunc(l.states, func(st state) bool { return st.layer == layer && !st.has(kind) })
}

func compareChanges(a, b DatabaseChange) int {
	return cmp.Or(cmp.Compare(a.Layer, b.Layer), strings.Compare(a.Database, b.Database), strings.Compare(a.Change, b.Change))
}
