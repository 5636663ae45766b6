package shell

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// maxBraces is how many words one word with braces may become.
const maxBraces = 64

// maxBraceWord is the length of a literal up to which braces in it are looked at.
const maxBraceWord = 4096

// braces expands a{b,c}d. It does not expand sequences: {1..9} names nothing that could be fetched.
func (in *interp) braces(w *syntax.Word) []*syntax.Word {
	var found bool
	for _, p := range w.Parts {
		if l, ok := p.(*syntax.Lit); ok {
			if len(l.Value) > maxBraceWord {
				return []*syntax.Word{w}
			}
			found = found || strings.Contains(l.Value, "{")
		}
	}
	if found {
		copied := &syntax.Word{Parts: append([]syntax.WordPart(nil), w.Parts...)}
		if syntax.SplitBraces(copied) {
			return in.expandBraces(copied.Parts)
		}
	}
	return []*syntax.Word{w}
}

func (in *interp) expandBraces(parts []syntax.WordPart) []*syntax.Word {
	words := []*syntax.Word{{}}
	for _, p := range parts {
		b, ok := p.(*syntax.BraceExp)
		alternatives := []*syntax.Word{{Parts: []syntax.WordPart{p}}}
		if ok {
			alternatives = nil
			for _, elem := range b.Elems {
				alternatives = append(alternatives, in.expandBraces(elem.Parts)...)
			}
		}
		var next []*syntax.Word
		for _, w := range words {
			for _, a := range alternatives {
				if len(next) < maxBraces {
					next = append(next, &syntax.Word{Parts: append(w.Parts[:len(w.Parts):len(w.Parts)], a.Parts...)})
				}
			}
		}
		words = next
		if in.work(len(words)); in.budget.steps > in.budget.limits.Steps {
			break
		}
	}
	return words
}
