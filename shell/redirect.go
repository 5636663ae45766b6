package shell

import (
	"strconv"
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// end is what a file descriptor leads to.
type end struct {
	path   string           // a file
	text   string           // what is left to read from it
	socket *fetch           // a connection to a peer
	sink   *strings.Builder // a pipe, or what a substitution catches
	piped  bool             // text comes out of a pipe
}

// remaining is how much known or unknown text is left to read.
func (e *end) remaining() int {
	if e == nil {
		return 0
	}
	return len(e.text)
}

// fdTable maps descriptors to ends. Copies share nothing that is written to afterwards.
type fdTable struct {
	standard [3]*end
	more     []numbered
}

type numbered struct {
	n int
	e *end
}

func (t *fdTable) get(n int) *end {
	if n >= 0 && n < len(t.standard) {
		return t.standard[n]
	}
	for _, m := range t.more {
		if m.n == n {
			return m.e
		}
	}
	return nil
}

func (t *fdTable) set(n int, e *end) {
	if n >= 0 && n < len(t.standard) {
		t.standard[n] = e
		return
	}
	next := make([]numbered, 0, len(t.more)+1)
	for _, m := range t.more {
		if m.n != n {
			next = append(next, m)
		}
	}
	t.more = append(next, numbered{n, e})
}

// firstFree is the first descriptor that the shell itself hands out for {name}>file.
const firstFree = 10

// redirect applies redirections, in order, to t.
func (in *interp) redirect(t *fdTable, redirs []*syntax.Redirect) {
	if len(t.more) > maxDescriptors {
		in.stop("more than %d open descriptors", maxDescriptors)
		return
	}
	for _, r := range redirs {
		fd, input := in.descriptor(t, r)
		switch r.Op {
		case syntax.Hdoc, syntax.DashHdoc:
			t.set(fd, &end{text: in.heredoc(r)})
		case syntax.WordHdoc:
			t.set(fd, &end{text: in.word(r.Word) + "\n"})
		case syntax.DplIn, syntax.DplOut:
			in.duplicate(t, fd, r)
		default:
			e := in.open(t, in.word(r.Word), input, r.Op == syntax.AppOut || r.Op == syntax.AppAll || r.Op == syntax.RdrInOut)
			t.set(fd, e)
			if r.Op == syntax.RdrAll || r.Op == syntax.AppAll {
				t.set(2, e)
			}
		}
	}
}

// descriptor says which descriptor a redirection is about, and whether it is opened for reading.
func (in *interp) descriptor(t *fdTable, r *syntax.Redirect) (fd int, input bool) {
	switch r.Op {
	case syntax.RdrIn, syntax.RdrInOut, syntax.DplIn, syntax.Hdoc, syntax.DashHdoc, syntax.WordHdoc:
		input = true
	default:
		fd = 1
	}
	if r.N == nil {
		return fd, input
	}
	if n, err := strconv.Atoi(r.N.Value); err == nil {
		return n, input
	}
	n := firstFree + len(t.more)
	in.env.vars.set(strings.Trim(r.N.Value, "{}"), strconv.Itoa(n))
	return n, input
}

func (in *interp) heredoc(r *syntax.Redirect) string {
	if r.Hdoc == nil {
		return ""
	}
	text := in.document(r.Hdoc, quotedWord(r.Word))
	if r.Op == syntax.DashHdoc {
		lines := strings.Split(text, "\n")
		for i, l := range lines {
			lines[i] = strings.TrimLeft(l, "\t")
		}
		text = strings.Join(lines, "\n")
	}
	return text
}

// duplicate is n>&m, n<&m, n>&- and bash's >&file.
func (in *interp) duplicate(t *fdTable, fd int, r *syntax.Redirect) {
	to := strings.TrimSuffix(in.word(r.Word), "-")
	if to == "" {
		t.set(fd, nil)
		return
	}
	if n, err := strconv.Atoi(to); err == nil {
		t.set(fd, t.get(n))
		return
	}
	e := in.open(t, to, r.Op == syntax.DplIn, false)
	t.set(fd, e)
	if fd == 1 {
		t.set(2, e)
	}
}

// open opens a file, or what bash takes for one.
func (in *interp) open(t *fdTable, name string, input, keep bool) *end {
	if host, ok := devTCP(name); ok {
		return &end{socket: in.newFetch("/dev/tcp", host, true)}
	}
	if n, ok := devFD(name); ok {
		return t.get(n)
	}
	e := &end{path: in.path(name)}
	switch {
	case input:
		e.text = in.readFile(e.path)
	case !keep:
		in.truncate(e.path)
	}
	return e
}

// devTCP takes bash's /dev/tcp/HOST/PORT apart.
func devTCP(name string) (hostPort string, ok bool) {
	rest, ok := strings.CutPrefix(name, "/dev/tcp/")
	if !ok {
		rest, ok = strings.CutPrefix(name, "/dev/udp/")
	}
	if !ok {
		return "", false
	}
	return strings.Replace(rest, "/", ":", 1), true
}

// devFD recognises the names of open descriptors.
func devFD(name string) (int, bool) {
	switch name {
	case "/dev/stdin":
		return 0, true
	case "/dev/stdout":
		return 1, true
	case "/dev/stderr":
		return 2, true
	}
	rest, ok := strings.CutPrefix(name, "/dev/fd/")
	if !ok {
		rest, ok = strings.CutPrefix(name, "/proc/self/fd/")
	}
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(rest)
	return n, err == nil
}

// read takes all that is left to read from e.
func (in *interp) read(e *end) string {
	if e == nil {
		return ""
	}
	if e.socket != nil {
		return in.received(e.socket)
	}
	text := e.text
	e.text = ""
	return text
}

// received is what a peer sends over a connection.
func (in *interp) received(f *fetch) string {
	return in.newHole(hole{spelling: "(from " + in.display(f.source) + ")", fetch: f,
		steps: []string{f.tool + " connects to " + in.display(f.source)}})
}

// write sends text to where e leads.
func (in *interp) write(e *end, text string) {
	switch {
	case e == nil || text == "":
	case e.sink != nil:
		if e.sink.Len()+len(text) > in.budget.limits.ValueBytes {
			in.stop("a value of more than %d bytes", in.budget.limits.ValueBytes)
			return
		}
		e.sink.WriteString(in.bounded(text))
	case e.socket != nil:
		in.sent(e.socket, text)
	case e.path != "":
		in.writeFile(e.path, text, true)
	}
}
