package sbom

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/anchore/syft/syft"
	syftsbom "github.com/anchore/syft/syft/sbom"

	"github.com/tidewaiter/tidewaiter/image"
)

// Options are the options of Scan. The zero value is good.
type Options struct {
	// Name is how the image is called in the SBOM: its reference. The platform's digest if empty.
	Name string
	// TempDir is where contents are kept during the scan; the system's folder for temporary files if empty.
	TempDir string
	// Layers bound the walk over the layers; zero fields mean the limits that the image was pulled with.
	Layers image.Limits
	// Limits bound the scan; zero fields mean DefaultLimits.
	Limits Limits
	// Started is what something besides the image's configuration starts.
	Started Started
	// Memory remembers what layers hold from one image to the next; it may be nil.
	Memory *image.Memory
	// Document tells that the SBOM is to be encoded. Then syft looks at the image even where what it would find
	// is remembered.
	Document bool
	// Progress is that of image.Options; it may be nil.
	Progress func(layer int, read, size int64)
}

// Started is what something besides an image's configuration may start in it: the commands of manifests.
type Started struct {
	// Paths are absolute paths of files that may be started or read: SBOM.Script has their texts, and SBOM.Has
	// tells which are there.
	Paths []string
	// Texts are scripts that something runs in the image. What they start is started, too.
	Texts []string
	// Follow, if it is set, says which further files are read by what is started, by the texts that are known: absolute
	// paths, or patterns (path.Match; "/**" at the end is all below a folder). It is asked again with their texts.
	Follow func(known *SBOM) []string
}

// Limits bound what is looked at. A zero field means its default.
type Limits struct {
	File     int64 // bytes of one program that are looked at; more is the class Unscanned; 1 GiB
	Nested   int64 // bytes that the archives in one image unpack to, all together; 4 GiB
	Script   int64 // bytes of a file that SBOM.Script returns; 1 MiB
	Packages int   // packages of one platform; 200,000
}

// DefaultLimits are the limits that a zero Limits stands for.
func DefaultLimits() Limits {
	return Limits{File: 1 << 30, Nested: 4 << 30, Script: 1 << 20, Packages: 200_000}
}

func (l Limits) orDefault() Limits {
	d := DefaultLimits()
	return Limits{
		File:     cmp.Or(l.File, d.File),
		Nested:   cmp.Or(l.Nested, d.Nested),
		Script:   cmp.Or(l.Script, d.Script),
		Packages: cmp.Or(l.Packages, d.Packages),
	}
}

// SBOM is what is inside one platform of an image.
type SBOM struct {
	// Packages are sorted by type, name, version and path.
	Packages []Package
	// Files are those with a class or a telling mode, of all layers, hidden ones too; sorted by path and layer.
	Files []File
	// Notes are oddities of the layers that are no errors. Text from the image is quoted.
	Notes []string
	// Unread are the files that look like a package's to a cataloguer and cannot be read as such, with why.
	// Programs that hold other formats' marks are among them, so it is no sign of anything by itself.
	Unread []string

	// Databases are the changes to package databases that no package manager makes, by layer.
	Databases []DatabaseChange

	// Settings says what the configuration of the image is good for by itself: a miner's pool and wallet in the
	// environment make one of whatever program reads it.
	Settings []Class

	scripts    map[string]string
	calls      map[string][]string
	autostarts []string
	present    map[string]bool // of Started.Paths
	syft       *syftsbom.SBOM
	// packageClasses are the classes of packages by syft's identifiers.
	packageClasses map[string][]Class
}

// Script returns the text of the file at a path in the image, links followed, if the configuration of the image,
// Options, a script that one of these starts, Autostarts or Calls name it, it is text, and no larger than the limit.
func (s *SBOM) Script(path string) (string, bool) {
	text, ok := s.scripts[path]
	return text, ok
}

// Scripts returns all texts that Script has, by their paths.
func (s *SBOM) Scripts() map[string]string { return maps.Clone(s.scripts) }

// Has tells whether there is a file, or a link that leads to one, at a path of Started.Paths. Of any other path
// it is false.
func (s *SBOM) Has(path string) bool { return s.present[path] }

// Scan reads all layers of a platform once and says what is in them. An error, a panic of a parser included,
// means that nothing is known about the image; it names the platform's digest.
func Scan(ctx context.Context, p *image.Platform, o Options) (*SBOM, error) {
	s, err := newScanner(p, o)
	if err != nil {
		return nil, err
	}
	bom, err := s.scan(ctx)
	if err != nil {
		return nil, fmt.Errorf("what is in %s (%s) could not be found out: %w", cmp.Or(o.Name, p.Digest), p.Name, err)
	}
	return bom, nil
}

func newScanner(p *image.Platform, o Options) (*scanner, error) {
	t, err := theTable()
	if err != nil {
		return nil, err
	}
	s := &scanner{
		table:    t,
		wanted:   theWanted(),
		options:  o,
		limits:   o.Limits.orDefault(),
		bounds:   newBounds(o.Limits.orDefault()),
		platform: p,
		starts:   map[string]bool{},
	}
	for _, name := range slices.Concat(startable(p.Config), o.Started.Paths) {
		s.starts[path.Base(name)] = true
	}
	return s, nil
}

func (s *scanner) scan(ctx context.Context) (*SBOM, error) {
	o := image.Options{TempDir: s.options.TempDir, Limits: s.options.Layers, Visit: s.visit, Progress: s.options.Progress}
	if s.options.Memory != nil {
		s.knowledge = s.limits.knowledge()
		o.Memory, o.Facts = s.options.Memory, image.Facts{Key: s.knowledge, Encode: encodeFacts, Decode: decodeFacts}
	}
	var err error
	if s.files, err = s.platform.Files(ctx, o); err != nil {
		return nil, err
	}
	defer s.files.Close()
	s.tree = newTree(s.files.All(), func(e *image.Entry) string { return factsOf(e).mime })
	found, err := s.inventory(ctx)
	if err != nil {
		return nil, err
	}
	shipped, err := s.readLedger(ctx, found.syft)
	if err != nil {
		return nil, fmt.Errorf("package databases: %w", err)
	}
	bom, err := s.assemble(found, shipped)
	if err != nil {
		return nil, err
	}
	return bom, s.readTexts(ctx, bom)
}

// inventory is what syft finds in the image, or what it would find.
func (s *scanner) inventory(ctx context.Context) (*inventory, error) {
	src := s.source(s.tree)
	if !s.options.Document && !s.hasRPM() {
		if known, ok := s.recall(src.resolver); ok {
			return known, nil
		}
	}
	bom, err := s.catalog(ctx, src, catalogConfig())
	if err != nil {
		return nil, err
	}
	made := inventoryOf(bom)
	s.remember(src.resolver.asked, made)
	return made, nil
}

// hasRPM says whether there is a database of rpm: what is in it is asked of syft, and not remembered.
func (s *scanner) hasRPM() bool {
	return slices.ContainsFunc(s.files.All(), func(e *image.Entry) bool { return databaseOf(e.Path) == rpmType })
}

// source presents a tree to syft.
func (s *scanner) source(t *tree) *imageSource {
	src := &imageSource{name: s.options.Name, platform: s.platform}
	src.resolver = &resolver{tree: t, layer: src.layer, open: s.files.Open, digest: s.digest}
	return src
}

// maxReadings bounds how often layers are read again for files that turned out to be asked for.
const maxReadings = 5

// catalog lets syft find the packages of a tree. If it asked for files that were not kept, their layers are read again:
// what it finds is what it would have found with everything at hand.
func (s *scanner) catalog(ctx context.Context, src *imageSource, config *syft.CreateSBOMConfig) (*syftsbom.SBOM, error) {
	for range maxReadings {
		if s.options.Memory != nil {
			src.resolver.asked = &transcript{answers: map[question]string{}}
		}
		found, err := catalog(ctx, src, config)
		if err != nil || len(src.resolver.missed) == 0 {
			return found, err
		}
		if err := s.files.Keep(ctx, src.resolver.missed); err != nil {
			return nil, err
		}
		src.resolver.missed = nil
	}
	return nil, fmt.Errorf("syft asked for further files after %d readings", maxReadings)
}

// digest returns the SHA-256 of a file's content.
func (s *scanner) digest(e *image.Entry) (string, error) {
	from := contentOf(e)
	f := factsOf(from)
	if f.content != nil && f.content.sha256 != "" {
		return f.content.sha256, nil
	}
	if f.isChecked() {
		return f.sums[sha256Sum], nil
	}
	return s.files.SHA256(from)
}
