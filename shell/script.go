package shell

import (
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"mvdan.cc/sh/v3/syntax"
)

// layer is a text that was parsed: the script itself, or one within it.
type layer struct {
	src    string
	vector bool           // src stands for an argument vector, not for a script
	outer  *layer         // where the statement stands that runs this one; nil for a script itself
	stack  []*syntax.Stmt // the statements that are being walked, outermost first
	via    string         // how the outer layer runs it
	params []string       // $1 ... when it began
	at     place          // where it stands, if in a file that is no script
}

// place is where a command stands in a file that holds commands in a form of its own; the zero place is none.
type place struct {
	file string
	line int
}

// scriptRun says how a text is run as a script.
type scriptRun struct {
	via     string   // "its output is piped into sh"
	zero    string   // $0
	params  []string // $1 ...; nil if not given
	fds     *fdTable
	errexit bool // set -e
	at      place
}

// within walks what stands in a layer.
func (in *interp) within(l *layer, walk func()) {
	saved := in.layer
	in.layer = l
	walk()
	in.layer = saved
}

// runText walks text as a shell script.
func (in *interp) runText(text string, r scriptRun) effect {
	var e effect
	text = strings.ToValidUTF8(text, "\ufffd") // shells do not care
	in.seekText(text)
	if strings.TrimSpace(text) == "" || in.budget.stopped || in.merelyUnknown(text) {
		return e
	}
	if !in.step() || in.foreign(text, r) || in.startsItself(text) {
		return e
	}
	in.deeper(func() {
		l := &layer{src: text, outer: in.layer, via: r.via, params: slices.Clone(in.env.params), at: r.at}
		if l.outer != nil && l.outer.vector && in.known(text) && strings.Contains(l.outer.src, text) {
			l.at, l.outer = l.outer.at, nil // the argument of -c is the script
		}
		in.within(l, func() { e = in.list(in.parse(text)) })
	})
	return e
}

// startsItself tells that text is walked already, by itself, as often as may say anything new: entrypoints start
// themselves again as another user, exec gosu redis "$0" "$@". One that was given fewer arguments each time would end.
func (in *interp) startsItself(text string) bool {
	const enough = 3
	times := 0
	for l := in.layer; l != nil && times < enough; l = l.outer {
		if l.src == text && len(l.params) <= len(in.env.params) && sameWords(l.params, in.env.params) {
			times++
		}
	}
	return times == enough
}

// sameWords tells that the same words are in both lists, in whatever order and number.
func sameWords(a, b []string) bool {
	in := func(list []string) func(string) bool {
		return func(word string) bool { return !slices.Contains(list, word) }
	}
	return !slices.ContainsFunc(a, in(b)) && !slices.ContainsFunc(b, in(a))
}

// merelyUnknown tells that of text nothing at all is known, not even where it came from: a file of the image, an
// environment variable. Whoever has the file judges it.
func (in *interp) merelyUnknown(text string) bool {
	return in.leadingHole(text) != nil && utf8.RuneCountInString(strings.TrimSpace(text)) == 1 && in.remarkable(text) == nil
}

// childShell walks text as another shell would run it: what it sets is lost when it ends.
func (in *interp) childShell(text string, r scriptRun) effect {
	var e effect
	in.subshell(func() {
		in.env.errexit, in.env.tested, in.env.inCall, in.env.inLoop = r.errexit, false, false, false
		in.env.fds = *r.fds
		in.env.params, in.env.others = r.params, nil
		if r.zero != "" {
			in.env.zero = r.zero
		}
		e = in.runText(text, r)
	})
	return e.ofChild()
}

// variants are the shells whose syntax is tried, in this order.
var variants = []syntax.LangVariant{syntax.LangBash, syntax.LangPOSIX, syntax.LangMirBSDKorn}

// parse returns the statements of a script. Of one that cannot be parsed it returns those before the error, and
// notes the reason.
func (in *interp) parse(text string) []*syntax.Stmt {
	if len(text) > in.budget.limits.ScriptBytes {
		in.stop("a script of more than %d bytes", in.budget.limits.ScriptBytes)
		return nil
	}
	if strings.IndexByte(shorten(text, 1024), 0) >= 0 {
		in.unreadable("a script that is not text")
		return nil
	}
	var best []*syntax.Stmt
	var first error
	for i, v := range variants {
		stmts, err := in.parseAs(text, v)
		if err == nil {
			return stmts
		}
		if i == 0 {
			best, first = stmts, err
		}
		if errors.Is(err, errNesting) {
			break
		}
	}
	if !in.known(text) { // what is not known may be what is missing
		if h := in.fetched(text); h != nil {
			in.executedHole(h, "its output is part of a script")
		}
		return best
	}
	in.unreadable("cannot be parsed as a shell script: %s", shorten(first.Error(), maxShown))
	return best
}

// parsers keeps parsers, since a new one allocates more than a short script needs.
var parsers = sync.Pool{New: func() any { return syntax.NewParser() }}

func (in *interp) parseAs(text string, v syntax.LangVariant) (stmts []*syntax.Stmt, err error) {
	in.charge(parseWeight * len(text))
	p := parsers.Get().(*syntax.Parser)
	defer parsers.Put(p)
	syntax.Variant(v)(p)
	ended := false // what follows may be no script at all; but exit may be a function
	err = p.Stmts(&shallowReader{text: text, frames: in.budget.limits.Nesting + framesPerLevel*in.budget.depth}, func(s *syntax.Stmt) bool {
		stmts = append(stmts, s)
		ended = ended || leaves(s)
		return true
	})
	if ended {
		err = nil
	}
	return stmts, err
}

// leaves tells whether s is a plain exit, or an exec of a program.
func leaves(s *syntax.Stmt) bool {
	c, ok := s.Cmd.(*syntax.CallExpr)
	if !ok || len(c.Args) == 0 || s.Background {
		return false
	}
	name := plainName(c.Args[0])
	return name == "exit" || name == "exec" && len(c.Args) > 1
}

// plainName returns the text of a word without expansions, quoted or not.
func plainName(w *syntax.Word) string {
	var b strings.Builder
	for _, p := range w.Parts {
		switch p := p.(type) {
		case *syntax.Lit:
			b.WriteString(p.Value)
		case *syntax.SglQuoted:
			b.WriteString(p.Value)
		default:
			return ""
		}
	}
	return b.String()
}

// errNesting is what parsing fails with where the syntax nests too deep.
var errNesting = errors.New("its syntax nests too deep")

// shallowReader feeds a parser. The parser recurses without bound, and a stack that overflows ends the program;
// so before each piece that it hands out, it looks how deep the stack has become.
type shallowReader struct {
	text   string
	frames int
	began  bool
}

// framesPerLevel is how many frames of the stack one level of this package takes, at most.
const framesPerLevel = 12

// pieceBytes is how much is handed out at once, and so how much deeper the stack may become unseen.
const pieceBytes = 1024

func (r *shallowReader) Read(p []byte) (int, error) {
	if r.text == "" {
		return 0, io.EOF
	}
	var frame [1]uintptr
	if r.began && runtime.Callers(r.frames, frame[:]) > 0 {
		return 0, errNesting
	}
	r.began = true
	n := copy(p[:min(len(p), pieceBytes)], r.text)
	r.text = r.text[n:]
	return n, nil
}
