package sbom

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/anchore/syft/syft/file"
	syftsbom "github.com/anchore/syft/syft/sbom"
	"github.com/klauspost/compress/s2"

	"github.com/tidewaiter/tidewaiter/image"
)

// inventory is what syft found, as far as rules care.
type inventory struct {
	Packages []foundPackage
	Unread   []string
	// syft is what it said itself; nil if all this was remembered.
	syft *syftsbom.SBOM
}

type foundPackage struct {
	Package
	ID    string   // syft's
	Owned []string // the files of the package
	Lists bool     // the package says itself which these are
}

// What syft finds depends on nothing but the answers to what it asks. Who asks the same of another image and is
// answered the same finds the same: so the answers are written down, and only where one differs syft is run.

// question is one that cataloguers ask: the method, and its arguments behind one another with NUL between them.
type question string

// The methods of a resolver that are asked.
const (
	askHasPath  = "has"
	askPaths    = "paths"
	askGlobs    = "globs"
	askTypes    = "types"
	askContents = "contents"
	askMetadata = "metadata"
	askAll      = "all"
)

const argumentEnd = "\x00"

func ask(method string, args ...string) question {
	return question(method + argumentEnd + strings.Join(args, argumentEnd))
}

// transcript is what was asked and answered. Nil writes nothing down.
type transcript struct {
	mu       sync.Mutex
	answers  map[question]string
	overflow bool // not everything is written down
}

// maxQuestions bounds a transcript.
const maxQuestions = 500_000

func (t *transcript) note(q question, answer func() string) {
	if t == nil {
		return
	}
	t.mu.Lock()
	_, known := t.answers[q]
	t.mu.Unlock()
	if known {
		return
	}
	a := answer()
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.answers) == maxQuestions {
		t.overflow = true
		return
	}
	t.answers[q] = a
}

// answer says what this image answers to a question.
func (r *resolver) answer(q question) string {
	method, rest, _ := strings.Cut(string(q), argumentEnd)
	args := strings.Split(rest, argumentEnd)
	switch method {
	case askHasPath:
		return strconv.FormatBool(r.hasPath(args[0]))
	case askPaths:
		return locationsAnswer(r.filesByPath(args), nil)
	case askGlobs:
		return locationsAnswer(r.filesByGlob(args))
	case askTypes:
		return locationsAnswer(r.filesByMIMEType(args), nil)
	case askContents:
		return r.contentsAnswer(args[0])
	case askMetadata:
		return r.metadataAnswer(args[0])
	case askAll:
		return r.allAnswer()
	}
	return "unknown question"
}

// short is a digest of an answer that is long.
func short(write func(io.Writer)) string {
	sum := sha256.New()
	write(sum)
	return hex.EncodeToString(sum.Sum(nil)[:16])
}

// locationsAnswer leaves out which layers the files are in: that is not told by what is kept.
func locationsAnswer(locations []file.Location, err error) string {
	if err != nil {
		return "error " + err.Error()
	}
	return short(func(w io.Writer) {
		for _, l := range locations {
			io.WriteString(w, l.RealPath+argumentEnd+l.AccessPath+argumentEnd)
		}
	})
}

func (r *resolver) contentsAnswer(real string) string {
	n, err := r.contentAt(real)
	if err != nil {
		return "error " + err.Error()
	}
	if n.entry.Type != image.Regular && n.entry.Type != image.Hardlink {
		return "none"
	}
	sum, err := r.digest(n.entry)
	if err != nil {
		return "error " + err.Error()
	}
	return sum
}

func (r *resolver) metadataAnswer(real string) string {
	n := r.tree.nodes[path.Clean("/"+real)]
	if n == nil || n.entry == nil {
		return "none"
	}
	e := n.entry
	return short(func(w io.Writer) {
		_ = json.NewEncoder(w).Encode([]any{e.Size, e.Mode, e.ModTime.UnixNano(), e.Linkname, e.UID, e.GID, e.Type, n.mime})
	})
}

// nixStore is what the one cataloguer that asks for all files looks for in their paths (syft's nix/store_cataloger.go).
const nixStore = "nix/store/"

func (r *resolver) allAnswer() string {
	return short(func(w io.Writer) {
		for _, n := range r.tree.all {
			if n.entry != nil && strings.Contains(n.path, nixStore) {
				io.WriteString(w, n.path+argumentEnd)
			}
		}
	})
}

// recalled is a transcript as it is kept, with what was found.
type recalled struct {
	Questions []question
	Answers   []string
	Found     inventory
}

// catalogEntry is the kind of entries in the cache; the number changes with its form.
const catalogEntry = "catalog 1"

// maxRecalled bounds an entry, in bytes.
const maxRecalled = 256 << 20

// catalogKeys are where an image like this one may have left its transcript: by the name of the image, by all
// layers but the highest, which changes most, and by the lowest. They only have to be likely: what is found there
// is held against the image.
func (s *scanner) catalogKeys() []string {
	keys := []string{}
	if ref, err := image.ParseReference(s.options.Name); err == nil && ref.Transport == image.Registry {
		keys = append(keys, s.knowledge+" name "+ref.Host+"/"+ref.Repository+" "+s.platform.Name)
	}
	var base []string
	for i, l := range s.platform.Layers {
		base = append(base, l.DiffID)
		if i == 0 || i == len(s.platform.Layers)-2 {
			keys = append(keys, s.knowledge+" base "+strings.Join(base, " "))
		}
	}
	slices.Reverse(keys)
	return keys
}

// recall returns what syft would find, if an image that answers the same was looked at before.
func (s *scanner) recall(r *resolver) (*inventory, bool) {
	c := s.options.Memory.Cache()
	if c == nil {
		return nil, false
	}
	for _, key := range s.catalogKeys() {
		packed, ok := c.Get(catalogEntry, key)
		if !ok {
			continue
		}
		if n, err := s2.DecodedLen(packed); err != nil || n > maxRecalled {
			continue
		}
		raw, err := s2.Decode(nil, packed)
		var kept recalled
		if err != nil || json.Unmarshal(raw, &kept) != nil || len(kept.Questions) != len(kept.Answers) {
			continue
		}
		if r.agrees(kept) {
			return &kept.Found, true
		}
	}
	return nil, false
}

// agrees says whether this image answers as the one did that was remembered.
func (r *resolver) agrees(kept recalled) bool {
	for i, q := range kept.Questions {
		if r.answer(q) != kept.Answers[i] {
			return false
		}
	}
	return true
}

// remember keeps what was found, for the next image that answers the same.
func (s *scanner) remember(t *transcript, f *inventory) {
	c := s.options.Memory.Cache()
	if c == nil || t.overflow {
		return
	}
	kept := recalled{Questions: slices.Sorted(maps.Keys(t.answers)), Found: *f}
	for _, q := range kept.Questions {
		kept.Answers = append(kept.Answers, t.answers[q])
	}
	raw, err := json.Marshal(kept)
	if err != nil || len(raw) > maxRecalled {
		return
	}
	packed := s2.Encode(nil, raw)
	for _, key := range s.catalogKeys() {
		c.Put(catalogEntry, key, packed)
	}
}

// inventoryOf takes out of syft's SBOM what matters.
func inventoryOf(bom *syftsbom.SBOM) *inventory {
	f := &inventory{Packages: []foundPackage{}, Unread: []string{}, syft: bom}
	for _, p := range bom.Artifacts.Packages.Sorted() {
		made := Package{Name: p.Name, Version: p.Version, Type: string(p.Type), PURL: p.PURL}
		for _, l := range p.Locations.ToSlice() {
			made.Paths = append(made.Paths, l.RealPath)
		}
		slices.Sort(made.Paths)
		made.Paths = slices.Compact(made.Paths)
		f.Packages = append(f.Packages, foundPackage{Package: made, ID: string(p.ID()), Owned: ownedBy(p, made), Lists: lists(p)})
	}
	slices.SortStableFunc(f.Packages, func(a, b foundPackage) int {
		return cmp.Or(cmp.Compare(a.Type, b.Type), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
			slices.Compare(a.Paths, b.Paths))
	})
	for at, reasons := range bom.Artifacts.Unknowns {
		for _, reason := range reasons {
			f.Unread = append(f.Unread, fmt.Sprintf("%q: %.200q", at.RealPath, reason))
		}
	}
	slices.Sort(f.Unread)
	return f
}
