package sbom

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"path"
	"slices"
	"strings"

	syftsbom "github.com/anchore/syft/syft/sbom"

	"github.com/tidewaiter/tidewaiter/image"
)

// ledger is what the package databases of an image say of its files, layer for layer. A later layer may say
// that a package has gone or was upgraded. It has no say in what a package holds: the files of one version of a
// package are what the first layer with it recorded.
type ledger struct {
	s          *scanner
	files      []*image.Entry // of the databases
	states     []state
	orphans    []*installed
	diversions []diversion
	at         map[string][]*image.Entry // the entries of all layers by where they are in the end
	claims     map[string][]claim        // by the same
	changes    map[packageID]*change
	// ownersKnown tells that the databases say of most packages which files they bring.
	ownersKnown bool
	folders     map[string]string // what place made of folders
	parsed      map[*image.Member]any
	dpkg        map[dpkgParts]*installed
}

// state is what the databases say from a layer on, up to the next state.
type state struct {
	layer    int
	packages map[packageID]*installed
}

// claim is that a package brings a file.
type claim struct {
	by *installed
	record
}

// maxDatabase bounds one file of a database of dpkg or apk, in bytes. Theirs have some megabytes.
const maxDatabase = 256 << 20

// readLedger reads the databases as they were after every layer. found is what syft found in the image as it is.
func (s *scanner) readLedger(ctx context.Context, found *syftsbom.SBOM) (*ledger, error) {
	l := &ledger{
		s: s, at: map[string][]*image.Entry{}, claims: map[string][]claim{}, changes: map[packageID]*change{},
		folders: map[string]string{}, parsed: map[*image.Member]any{}, dpkg: map[dpkgParts]*installed{},
	}
	for _, e := range s.files.All() {
		if e.Type == image.Regular || e.Type == image.Hardlink || e.Type == image.Symlink {
			p := l.place(e.Path)
			l.at[p] = append(l.at[p], e)
		}
		if databaseOf(e.Path) != "" && contentOf(e).Type == image.Regular {
			l.files = append(l.files, e)
		}
	}
	if len(l.files) == 0 {
		return l, nil
	}
	if err := l.keep(ctx, l.files); err != nil {
		return nil, err
	}
	if err := l.readStates(ctx, found); err != nil {
		return nil, err
	}
	if err := l.findOrphans(); err != nil {
		return nil, err
	}
	l.claim()
	if err := l.hash(ctx); err != nil {
		return nil, err
	}
	l.follow()
	return l, nil
}

// place is where a path leads in the image as it is, whatever its folder was in lower layers: /bin/ls is /usr/bin/ls
// where /bin is a link to /usr/bin, or became one.
func (l *ledger) place(p string) string {
	dir, base := path.Split(p)
	at, ok := l.folders[dir]
	if !ok {
		at = dir
		if e := l.s.files.Lookup(dir); e != nil && e.Type == image.Directory {
			at = strings.TrimSuffix(e.Path, "/") + "/"
		}
		l.folders[dir] = at
	}
	if at == dir {
		return p
	}
	return at + base
}

// contentOf is the entry that a hard link shares its content with, or e itself.
func contentOf(e *image.Entry) *image.Entry {
	if e.Type == image.Hardlink && e.Target != nil {
		return e.Target
	}
	return e
}

// lives are the layers in which an entry is visible.
func lives(e *image.Entry) period {
	if e.DeletedIn < 0 {
		return period{e.Layer, math.MaxInt}
	}
	return period{e.Layer, e.DeletedIn}
}

func visibleIn(e *image.Entry, layer int) bool { return lives(e).meets(period{layer, layer + 1}) }

// keep reads layers again for files that were not kept.
func (l *ledger) keep(ctx context.Context, files []*image.Entry) error {
	missing := slices.DeleteFunc(slices.Clone(files), func(e *image.Entry) bool {
		_, err := l.s.files.Open(e)
		return err == nil
	})
	if len(missing) == 0 {
		return nil
	}
	return l.s.files.Keep(ctx, missing)
}

// readStates reads the databases as they are after every layer that changes them.
func (l *ledger) readStates(ctx context.Context, found *syftsbom.SBOM) error {
	layers := map[int]bool{}
	for _, e := range l.files {
		layers[e.Layer] = true
		if e.DeletedIn >= 0 {
			layers[e.DeletedIn] = true
		}
	}
	last := l.rpmOf(found)
	for _, layer := range slices.Sorted(maps.Keys(layers)) {
		there := map[string]*image.Entry{}
		for _, e := range l.files {
			if visibleIn(e, layer) {
				there[e.Path] = e
			}
		}
		made := state{layer: layer, packages: map[packageID]*installed{}}
		if err := l.readTexts(&made, there); err != nil {
			return err
		}
		rpm, err := l.rpmIn(ctx, layer, there, last)
		if err != nil {
			return err
		}
		made.add(rpm...)
		l.states = append(l.states, made)
	}
	return nil
}

func (st *state) add(packages ...*installed) {
	for _, p := range packages {
		if st.packages[p.packageID] == nil {
			st.packages[p.packageID] = p
		}
	}
}

// readTexts reads the databases of dpkg and apk.
func (l *ledger) readTexts(st *state, there map[string]*image.Entry) error {
	for _, name := range slices.Sorted(maps.Keys(there)) {
		var err error
		switch {
		case name == dpkgStatus || strings.HasPrefix(name, dpkgStatusDir) && path.Ext(name) != ".md5sums":
			err = l.readDpkg(st, name, there)
		case name == dpkgDiversions:
			var all []diversion
			all, err = parse(l, there[name], diversions)
			l.diversions = append(l.diversions, all...)
		case slices.Contains(apkDatabases, name):
			var all []*installed
			all, err = parse(l, there[name], func(text []byte) []*installed { return apkPackages(text, name) })
			st.add(all...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parse reads a file of a database, once.
func parse[T any](l *ledger, e *image.Entry, read func([]byte) T) (T, error) {
	var none T
	if e == nil {
		return none, nil
	}
	if known, ok := l.parsed[e.Member].(T); ok {
		return known, nil
	}
	if contentOf(e).Size > maxDatabase {
		return none, fmt.Errorf("%q has %d bytes, and a package database at most %d", e.Path, e.Size, maxDatabase)
	}
	section, err := l.s.files.Open(e)
	if err != nil {
		return none, err
	}
	text, err := io.ReadAll(section)
	if err != nil {
		return none, err
	}
	made := read(text)
	l.parsed[e.Member] = made
	return made, nil
}

// dpkgParts are the files that say what a package of dpkg holds.
type dpkgParts struct {
	packageID
	sums, list, conffiles *image.Entry
	known                 string
}

// readDpkg reads a status, with what lies beside it.
func (l *ledger) readDpkg(st *state, name string, there map[string]*image.Entry) error {
	all, err := parse(l, there[name], stanzas)
	if err != nil {
		return err
	}
	for _, p := range all {
		if !p.isInstalled() {
			continue
		}
		prefix := name
		if name == dpkgStatus {
			prefix = dpkgInfo + p["Package"]
			if multi := prefix + ":" + p["Architecture"]; there[multi+".list"] != nil || there[multi+".md5sums"] != nil {
				prefix = multi
			}
		}
		id := packageID{debType, p["Package"], p["Version"], p["Architecture"]}
		made, err := l.dpkgPackage(dpkgParts{id, there[prefix+".md5sums"], there[prefix+".list"], there[prefix+".conffiles"], p["Conffiles"]}, p)
		if err != nil {
			return err
		}
		made.database = name
		st.add(made)
	}
	return nil
}

// dpkgPackage makes the package of its parts, once.
func (l *ledger) dpkgPackage(parts dpkgParts, p stanza) (*installed, error) {
	if made := l.dpkg[parts]; made != nil {
		return made, nil
	}
	sums, err := parse(l, parts.sums, md5sums)
	if err != nil {
		return nil, err
	}
	list, err := parse(l, parts.list, pathLines)
	if err != nil {
		return nil, err
	}
	conffiles, err := parse(l, parts.conffiles, pathLines)
	if err != nil {
		return nil, err
	}
	made := &installed{packageID: parts.packageID, files: dpkgRecords(sums, list, conffiles, p.conffiles())}
	l.dpkg[parts] = made
	return made, nil
}
