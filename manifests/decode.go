package manifests

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Decode reads all objects of one file, which may refer to each other. Every document becomes its objects, in order, or a Problem; only
// documents without content are neither. A file in which no document is, or tries to be, a Kubernetes object
// is one Problem of kind NotManifest. name is what File of objects and problems says.
//
// The returned objects share what they hold: treat Value and Pods as read-only.
func Decode(name string, data []byte, limits Limits) ([]*Object, []Problem) {
	f := newFile(name, data, limits.withDefaults())
	decodeAll([]*file{f})
	objects, problems := f.result(composeFilesIn([]*file{f}))
	return objects, append(problems, link(objects, f.limits)...)
}

// file is a file on its way from bytes to objects.
type file struct {
	name     string
	limits   Limits
	chunks   []chunk
	results  []result     // one a chunk
	problems []Problem    // of the file as a whole
	expanded atomic.Int64 // bytes, of all documents decoded so far
	// A rendered text has the lines of its template, by the numbers of its own, and its chart; what a kustomization
	// built has an origin.
	lines  []int
	chart  *rendering
	origin *origin
}

// lineIn is the line of a text that is line of the template that it was rendered from.
func lineIn(lines []int, line int) int {
	if lines == nil || line < 1 {
		return line
	}
	return lines[min(line, len(lines)-1)]
}

// result is what became of one document.
type result struct {
	objects  []*Object
	problems []Problem
	// compose is the document if it is a compose file, whose objects are known only with the others of the run.
	compose *composeFile
	// claims tells that the document is an object or looks as if it should be one.
	claims bool
}

// newFile checks what concerns the file as a whole and cuts it into documents.
func newFile(name string, data []byte, limits Limits) *file {
	f := &file{name: name, limits: limits}
	err := checkText(data)
	if int64(len(data)) > limits.FileBytes {
		err = limits.tooLarge()
	}
	if err != nil {
		f.problems = append(f.problems, newProblem(Undecodable, name, 0, err))
		return f
	}
	f.chunks = split(data, limits.Documents)
	if len(f.chunks) > limits.Documents {
		f.problems = append(f.problems, newProblem(LimitExceeded, name, f.chunks[limits.Documents].line, limits.tooManyDocuments()))
		f.chunks = f.chunks[:limits.Documents]
	}
	f.results = make([]result, len(f.chunks))
	return f
}

// checkText refuses what is not UTF-8. kubectl's parser reads UTF-16 too, but its document reader does not
// find the separators there and loses all documents but the first.
func checkText(data []byte) error {
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return errors.New("is UTF-16 text: convert it to UTF-8")
	case bytes.IndexByte(data, 0) >= 0:
		return errors.New("is not text: it holds a NUL byte")
	case !utf8.Valid(data):
		return errors.New("is not UTF-8 text")
	}
	return nil
}

// decodeAll decodes the documents of all files, on all processors.
func decodeAll(files []*file) {
	type job struct {
		file  *file
		index int
	}
	var jobs []job
	for _, f := range files {
		for i := range f.chunks {
			jobs = append(jobs, job{f, i})
		}
	}
	parallel(len(jobs), func(i int) { jobs[i].file.decode(jobs[i].index) })
}

// parallel calls work with 0 to n-1, on all processors, and returns when all calls have.
func parallel(n int, work func(int)) {
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				work(i)
			}
		})
	}
	group.Wait()
}

// decode turns one document into objects or problems.
func (f *file) decode(index int) {
	if f.expanded.Load() > f.limits.ExpandedBytes {
		return // result reports it for the whole file
	}
	d := &decoding{file: f, document: &document{chunk: f.chunks[index]}}
	value, err := d.parse()
	switch {
	case err != nil || value == nil:
	case f.lines == nil && isCompose(f.name, value):
		d.claims, d.compose = true, &composeFile{name: f.name, value: value.(map[string]any), document: d.document}
	default:
		d.claims = claimsObject(value)
		d.addObjects(value, nil)
	}
	if err != nil {
		d.claims = d.claims || claimsText(d.document.text) || f.lines == nil && isComposeName(f.name)
		d.addParseError(err)
	}
	f.results[index] = d.result
}

// composeFiles are the compose files among some files.
func composeFilesIn(files []*file) composeFiles {
	all := composeFiles{}
	for _, f := range files {
		for _, r := range f.results {
			if r.compose != nil {
				all[path.Clean(filepath.ToSlash(f.name))] = r.compose
			}
		}
	}
	return all
}

// result puts the file's documents together. compose are the compose files of the run.
func (f *file) result(compose composeFiles) ([]*Object, []Problem) {
	if f.expanded.Load() > f.limits.ExpandedBytes {
		// Which document went over depends on the order of decoding: fail all of them.
		return nil, []Problem{newProblem(LimitExceeded, f.name, 0, f.limits.tooExpanded())}
	}
	var objects []*Object
	problems := f.problems
	claims := len(problems) > 0
	for _, r := range f.results {
		if r.compose != nil {
			r.objects, r.problems = r.compose.objects(compose, f.limits)
		}
		objects = append(objects, r.objects...)
		problems = append(problems, r.problems...)
		claims = claims || r.claims
	}
	problems = capProblems(problems)
	for i := range problems {
		problems[i].Line = lineIn(f.lines, problems[i].Line)
	}
	if !claims && len(problems) > 0 {
		first := problems[0]
		first.Kind, first.Message = NotManifest, "not a Kubernetes manifest: "+first.Message
		return nil, []Problem{first}
	}
	return objects, problems
}

// decoding is one document under way.
type decoding struct {
	result
	file     *file
	document *document
}

// parse reads the document's text, checks that no key stands twice, and converts the value. A document
// without content is nil.
func (d *decoding) parse() (any, error) {
	text, limits := d.document.text, d.file.limits
	c := &converter{limits: limits}
	defer func() { d.file.expanded.Add(c.bytes) }()
	switch {
	case d.document.err != nil:
		d.claims = true // not a fault of the document, but of the stream that holds it
		return nil, d.document.err
	case d.document.json:
		value, duplicates, err := parseJSON(text)
		if err == nil && len(duplicates) > 0 {
			err = d.duplicateError()
		}
		if err == nil {
			err = c.measure(value, 0)
		}
		return value, err
	case blank(text):
		return nil, nil
	}
	value, err := parseYAML(text, true)
	if errors.Is(err, errDuplicate) {
		value, err = d.allowMerges()
	}
	if err != nil {
		return nil, err
	}
	return c.value(value, 0)
}

// allowMerges decodes a document whose keys seem to stand twice. A merge key and a key beside it that
// overrides what it brings are no duplicates; the positioned tree can tell.
func (d *decoding) allowMerges() (any, error) {
	if err := d.duplicateError(); err != nil {
		return nil, err
	}
	return parseYAML(d.document.text, false)
}

// duplicateError finds a key that stands twice in one map. It returns nil if there is none.
func (d *decoding) duplicateError() error {
	root := d.document.root()
	if root == nil {
		return errDuplicate
	}
	if twice := duplicate(root); twice != nil {
		return &placedError{d.document.place(twice).Line, fmt.Sprintf("the key %q stands twice in one map", twice.Value)}
	}
	return nil
}

// placedError knows its line in the file.
type placedError struct {
	line int
	text string
}

func (e *placedError) Error() string { return e.text }

// parserLine is how the YAML parser words an error's place, counted from the document's first line.
var parserLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?`)

var errTemplate = errors.New("holds template text, {{ … }}, and is no YAML before it is rendered: check what helm template or your template tool prints")

// addParseError reports a document that does not parse.
func (d *decoding) addParseError(err error) {
	line, kind := d.document.start().Line, Undecodable
	var placed *placedError
	message := err.Error()
	match := parserLine.FindStringSubmatch(message)
	switch {
	case errors.As(err, &placed):
		line = placed.line
	case match != nil:
		if n, _ := strconv.Atoi(match[1]); n > 0 {
			line = d.document.line + newlines(d.document.text, n) - 1
		}
		message = "not valid YAML: " + strings.TrimPrefix(message, match[0])
		err = errors.New(message)
		if bytes.Contains(d.document.text, []byte("{{")) {
			err, kind = errTemplate, Template
		}
	}
	d.problems = append(d.problems, newProblem(kind, d.file.name, line, err))
}

// claimsKind tells that a value has one of the two keys that all objects have, in whatever case.
func claimsKind(value any) bool {
	object, _ := value.(map[string]any)
	return hasFolded(object, "kind") || hasFolded(object, "apiversion")
}

// claimsObject tells that a value is, or is meant to be, an object: kubectl may get it into a cluster, or says itself
// what is wrong with it. Other tools have one of the two keys in their files, as Drone has a kind and Grafana an
// apiVersion. kubectl asks for a kind, and guesses the version of those of the core group if it is told not to validate.
func claimsObject(value any) bool {
	object, _ := value.(map[string]any)
	if hasFolded(object, "apiversion") || hasFolded(object, "items") {
		return hasFolded(object, "kind")
	}
	for key, kind := range object {
		if name, _ := kind.(string); fold(key) == "kind" && slices.Contains(coreKinds, name) {
			return true
		}
	}
	return false
}

// coreKinds are the kinds of the core group that can be created.
var coreKinds = []string{
	"Binding", "ConfigMap", "Endpoints", "Event", "LimitRange", "List", "Namespace", "Node", "PersistentVolume",
	"PersistentVolumeClaim", "Pod", "PodTemplate", "ReplicationController", "ResourceQuota", "Secret", "Service",
	"ServiceAccount",
}

// The two keys of an object, in text that does not parse.
var (
	claimsVersion  = regexp.MustCompile(`(?i)apiVersion`)
	claimsKindText = regexp.MustCompile(`(?i)(?m:^|[{,\s])["']?kind["']?\s*:`)
)

// claimsText does the same for text that does not parse, which nothing takes for an object.
func claimsText(text []byte) bool { return claimsVersion.Match(text) && claimsKindText.Match(text) }
