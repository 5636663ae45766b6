package shell

import "slices"

// Fetched is a file, or a folder of files, that a command has fetched and left behind. Another command that finds it,
// in the same container or in one that shares a volume, may run it.
type Fetched struct {
	// Path is absolute, or relative to the folder in which the command starts.
	Path string
	// Tree tells that Path is a folder, of which nothing more is known.
	Tree bool
	// Tool, Source and Steps are as in Action.
	Tool, Source string
	Steps        []string
	// Verified tells that the command does not end well if what was fetched is not what it should be.
	Verified bool

	store bool // as in fetch
}

// maxFetched is how many things a command is looked at to leave behind.
const maxFetched = 100

// leaves lists what was fetched and is still there when the command has ended.
func (in *interp) leaves() []Fetched {
	var all []Fetched
	passed := union(in.ended.always, in.ended.passed)
	add := func(name, text string, tree bool) {
		h := in.leading(text)
		if h == nil || h.fetch == nil || h.fetch.socket || name == "" || !in.known(name) || len(all) >= maxFetched {
			return
		}
		f := Fetched{Path: name, Tree: tree, Tool: in.display(h.fetch.tool), Source: in.display(h.fetch.source), store: h.fetch.store}
		f.Verified = in.verified[h.fetch] > 0 || slices.Contains(passed, h.fetch)
		for _, s := range h.steps {
			f.Steps = append(f.Steps, in.display(s))
		}
		all = append(all, f)
	}
	for _, name := range in.fileNames() {
		add(name, in.files[name].text, false)
	}
	for _, t := range in.trees {
		add(t.dir, t.text, true)
	}
	return all
}

// finds puts what another command has left where this one finds it.
func (in *interp) finds(given []Fetched) {
	for _, g := range given {
		f := &fetch{tool: g.Tool, source: g.Source, store: g.store, layer: &layer{}}
		text := in.newHole(hole{spelling: "<" + g.Path, fetch: f, steps: g.Steps})
		if g.Verified {
			in.assume([]*fetch{f}, 1)
		}
		in.flows++
		if g.Tree {
			in.addTree(tree{dir: g.Path, text: text})
		} else {
			in.file(g.Path).text = text
		}
	}
}
