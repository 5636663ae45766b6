package sbom

import (
	"cmp"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/anchore/syft/syft/pkg"

	"github.com/tidewaiter/tidewaiter/image"
)

// scanner is one run of Scan.
type scanner struct {
	table    *table
	options  Options
	limits   Limits
	bounds   *bounds // of what archives unpack to, in all files together
	platform *image.Platform
	files    *image.Files
	tree     *tree
	wanted   *wanted
	hasher   hasher
	// knowledge is that of the limits, if there is a memory.
	knowledge string
	// starts has the base names of what the configuration may start.
	starts map[string]bool
	missed []*image.Entry        // texts that were asked for and not kept
	unread map[*image.Entry]bool // scripts that something starts, and that are too large
}

// assemble makes facts of what syft found and of what the walk saw.
func (s *scanner) assemble(found *inventory, l *ledger) (*SBOM, error) {
	if len(found.Packages) > s.limits.Packages {
		return nil, fmt.Errorf("%d packages are more than limits.packages, which is %d", len(found.Packages), s.limits.Packages)
	}
	bom := &SBOM{
		Packages:       []Package{},
		Files:          []File{},
		Notes:          slices.Clone(s.files.Notes),
		Unread:         found.Unread,
		Databases:      l.changed(),
		Settings:       s.table.settings(s.platform.Config),
		syft:           found.syft,
		packageClasses: map[string][]Class{},
	}
	owners, listed := map[*image.Entry][]Package{}, map[*image.Entry]bool{}
	for _, p := range found.Packages {
		made := p.Package
		made.Classes = s.table.classifyPackage(made)
		bom.Packages = append(bom.Packages, made)
		bom.packageClasses[p.ID] = made.Classes
		for _, name := range p.Owned {
			if n := s.tree.lookup(name, true); n != nil && n.entry != nil && factsOf(n.entry).content != nil {
				owners[n.entry] = append(owners[n.entry], made)
				listed[n.entry] = listed[n.entry] || p.Lists
			}
		}
	}
	names := s.otherNames()
	for _, e := range s.files.All() {
		f, ok := s.fileOf(e, owners[e], names[e])
		if judged := l.judge(e, listed[contentOf(e)]); judged.says() {
			if !ok {
				f, ok = s.facts(e, contentOf(e)), true
			}
			judged.mark(&f, e)
		}
		if ok {
			bom.Files = append(bom.Files, f)
		}
	}
	sortFiles(bom.Files)
	bom.Notes = append(bom.Notes, duplicates(s.files.All())...)
	return bom, nil
}

func sortFiles(files []File) {
	slices.SortStableFunc(files, func(a, b File) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Layer, b.Layer)) })
}

// maxDuplicates bounds how many files are noted because a layer holds them more than once.
const maxDuplicates = 20

// duplicates notes the files that a layer holds more than once: runtimes keep the last, and others show the
// first.
func duplicates(entries []*image.Entry) []string {
	var notes []string
	for _, e := range entries {
		if e.Duplicate {
			notes = append(notes, fmt.Sprintf("layer %d holds %q more than once: runtimes keep the last", e.Layer, e.Path))
		}
	}
	slices.Sort(notes)
	notes = slices.Compact(notes)
	return notes[:min(len(notes), maxDuplicates)]
}

// lists says whether a package says itself which files it has.
func lists(p pkg.Package) bool {
	_, ok := p.Metadata.(pkg.FileOwner)
	return ok
}

// ownedBy returns the files of a package: those that its database lists, or else those that show it.
func ownedBy(p pkg.Package, made Package) []string {
	if owner, ok := p.Metadata.(pkg.FileOwner); ok {
		return owner.OwnedFiles()
	}
	return made.Paths
}

// otherNames returns the base names of the visible links to each file.
func (s *scanner) otherNames() map[*image.Entry][]string {
	names := map[*image.Entry][]string{}
	for to, links := range s.tree.linksTo {
		for _, link := range links {
			if to.entry != nil && to.entry.Type == image.Regular {
				names[to.entry] = append(names[to.entry], link.path)
			}
		}
	}
	return names
}

// fileOf returns what there is to say of an entry, if there is anything. A hard link speaks for itself only
// where the file that it shares its content with is hidden. A link's name counts where the file says nothing
// of itself: nobody calls a shell /opt/data, but a link to it is found by whoever runs sh.
func (s *scanner) fileOf(e *image.Entry, owners []Package, links []string) (File, bool) {
	from := e
	if raises(e) {
		f := s.facts(e, e.Target)
		return f, f.Setuid || f.Setgid || f.Capabilities
	}
	if e.Type == image.Hardlink {
		if e.Target == nil || e.Target.DeletedIn < 0 || e.DeletedIn >= 0 {
			return File{}, false
		}
		from = e.Target
	}
	if from.Type == image.CharDevice || from.Type == image.BlockDevice {
		return s.device(from), true
	}
	if from.Type != image.Regular {
		return File{}, false
	}
	f := s.facts(e, from)
	if c := factsOf(from).content; c != nil {
		f.SHA256 = c.sha256
		f.Classes = s.table.classify(e.Path, from.Mode, c, owners)
		for i := 0; len(f.Classes) == 0 && i < len(links); i++ {
			f.Classes = s.table.classify(links[i], from.Mode, c, owners)
		}
	}
	return f, len(f.Classes) > 0 || f.Setuid || f.Setgid || f.Capabilities
}

// special are the bits of a mode with which a file runs as somebody else.
const special = os.ModeSetuid | os.ModeSetgid

// raises tells that a hard link gives the file more than that has by itself: who unpacks a layer sets the mode and
// the attributes of a link, too, and both names are one file.
func raises(e *image.Entry) bool {
	return e.Type == image.Hardlink && e.Target != nil && e.Target.Type == image.Regular &&
		(e.Mode&^e.Target.Mode&special != 0 || e.Capabilities && !e.Target.Capabilities)
}

func (s *scanner) facts(e, from *image.Entry) File {
	mode := from.Mode | e.Mode&special
	f := File{
		Path:         e.Path,
		Layer:        e.Layer,
		DeletedIn:    e.DeletedIn,
		Size:         from.Size,
		Mode:         listMode(mode),
		UID:          from.UID,
		GID:          from.GID,
		Setuid:       mode&os.ModeSetuid != 0,
		Setgid:       mode&os.ModeSetgid != 0,
		Capabilities: from.Capabilities || e.Capabilities,
		mode:         mode,
	}
	if e.Layer < len(s.platform.Layers) {
		f.LayerDigest = s.platform.Layers[e.Layer].Digest
		f.CreatedBy = s.platform.Layers[e.Layer].CreatedBy
		f.diffID = s.platform.Layers[e.Layer].DiffID
	}
	return f
}

// listMode is the mode of a regular file as ls prints it.
func listMode(mode os.FileMode) string {
	text := []byte("-rwxrwxrwx")
	for i := range 9 {
		if mode&(1<<(8-i)) == 0 {
			text[i+1] = '-'
		}
	}
	for _, special := range []struct {
		bit  os.FileMode
		at   int
		with string // if the execute bit at that place is clear, and if it is set
	}{{os.ModeSetuid, 3, "Ss"}, {os.ModeSetgid, 6, "Ss"}, {os.ModeSticky, 9, "Tt"}} {
		if mode&special.bit == 0 {
			continue
		}
		if text[special.at] == 'x' {
			text[special.at] = special.with[1]
		} else {
			text[special.at] = special.with[0]
		}
	}
	return string(text)
}

// startable returns the paths that the command lines of a configuration may mean: absolute ones, those below
// the working directory, and those on the PATH.
func startable(c image.Config) []string {
	var names []string
	for _, variable := range c.Env {
		if file, ok := strings.CutPrefix(variable, "BASH_ENV="); ok { // bash runs it first
			names = append(names, path.Join("/", c.WorkingDir, file))
		}
	}
	for _, args := range [][]string{slices.Concat(c.Entrypoint, c.Cmd), c.Healthcheck} {
		for _, arg := range args[:min(len(args), maxArguments)] {
			if path.IsAbs(arg) {
				names = append(names, path.Clean(arg))
				continue
			}
			names = append(names, path.Join("/", c.WorkingDir, arg))
			for _, dir := range c.SearchPath() {
				names = append(names, path.Join("/", dir, arg))
			}
		}
	}
	return names
}
