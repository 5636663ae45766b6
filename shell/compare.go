package shell

import (
	"mvdan.cc/sh/v3/syntax"
)

// test is [ and test: comparing a checksum with something that was not fetched is a check.
func (in *interp) test(c *call) effect {
	args := c.args()
	negated := len(args) > 0 && args[0] == "!"
	if negated {
		args = args[1:]
	}
	var e effect
	if len(args) >= 2 && args[0] == "-v" {
		in.subscript(args[1])
	}
	if len(args) >= 3 {
		e = in.compared(args[0], args[1], args[2])
	}
	if negated {
		e.passed, e.failed = e.failed, e.passed
	}
	return e
}

// compared is what is known after comparing two strings.
func (in *interp) compared(a, op, b string) effect {
	checked := in.digestOf(a, b)
	switch op {
	case "=", "==":
		return effect{passed: checked}
	case "!=":
		return effect{failed: checked}
	}
	return effect{}
}

// digestOf returns what one of the two strings is a checksum of, if the other one is not fetched itself.
func (in *interp) digestOf(a, b string) []*fetch {
	for _, pair := range [][2]string{{a, b}, {b, a}} {
		h := in.findHole(pair[0], func(h *hole) bool { return h.digest != nil })
		if h != nil && pair[1] != "" && in.fetched(pair[1]) == nil && !in.isDigest(pair[1]) {
			return h.digest
		}
	}
	return nil
}

func (in *interp) isDigest(s string) bool {
	return in.findHole(s, func(h *hole) bool { return h.digest != nil }) != nil
}

// testClause is [[ ]].
func (in *interp) testClause(c *syntax.TestClause) effect {
	x := c.X
	negated := false
	for {
		if u, ok := x.(*syntax.UnaryTest); ok && u.Op == syntax.TsNot {
			x, negated = u.X, !negated
			continue
		}
		if p, ok := x.(*syntax.ParenTest); ok {
			x = p.X
			continue
		}
		break
	}
	e := in.testExpr(x)
	if negated {
		e.passed, e.failed = e.failed, e.passed
	}
	return e
}

// testExpr walks an expression for what its words substitute.
func (in *interp) testExpr(x syntax.TestExpr) effect {
	if !in.step() {
		return effect{}
	}
	switch x := x.(type) {
	case *syntax.Word:
		in.word(x)
	case *syntax.ParenTest:
		return in.testExpr(x.X)
	case *syntax.UnaryTest:
		if w, ok := x.X.(*syntax.Word); ok && x.Op == syntax.TsVarSet {
			in.subscript(in.word(w))
		}
		in.testExpr(x.X)
	case *syntax.BinaryTest:
		a, okA := x.X.(*syntax.Word)
		b, okB := x.Y.(*syntax.Word)
		if !okA || !okB {
			in.testExpr(x.X)
			in.testExpr(x.Y)
			return effect{}
		}
		op := x.Op.String()
		left, right := in.word(a), in.word(b)
		if len(op) > 2 && op[0] == '-' { // -eq and its kin compare numbers
			in.subscript(left)
			in.subscript(right)
		}
		return in.compared(left, op, right)
	}
	return effect{}
}
