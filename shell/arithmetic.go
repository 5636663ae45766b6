package shell

import (
	"strconv"

	"mvdan.cc/sh/v3/syntax"
)

// number evaluates an arithmetic expression, or returns otherwise.
func (in *interp) number(x syntax.ArithmExpr, otherwise int) int {
	if x == nil {
		return otherwise
	}
	n, err := strconv.Atoi(in.arithmetic(x))
	if err != nil {
		return otherwise
	}
	return min(max(n, -1<<30), 1<<30)
}

// arithmetic evaluates x where it is made of whole numbers, names and the four operations; otherwise the result is
// a hole. Substitutions within it are walked in any case.
func (in *interp) arithmetic(x syntax.ArithmExpr) string {
	if w, ok := x.(*syntax.Word); ok {
		return in.arithmeticWord(w)
	}
	if n, ok := in.calculate(x); ok {
		return strconv.Itoa(n)
	}
	return in.unknown("$((...))")
}

// arithmeticWord is an expression of one word: a number, a name, or a key of an array.
func (in *interp) arithmeticWord(w *syntax.Word) string {
	text := in.word(w)
	in.subscript(text)
	if v, ok := in.env.vars.get(text); ok {
		in.subscript(v)
		return v
	}
	return text
}

func (in *interp) calculate(x syntax.ArithmExpr) (int, bool) {
	if !in.step() {
		return 0, false
	}
	switch x := x.(type) {
	case *syntax.Word:
		n, err := strconv.Atoi(in.arithmeticWord(x))
		return n, err == nil
	case *syntax.ParenArithm:
		return in.calculate(x.X)
	case *syntax.UnaryArithm:
		n, ok := in.calculate(x.X)
		return -n, ok && x.Op == syntax.Minus
	case *syntax.BinaryArithm:
		a, okA := in.calculate(x.X)
		b, okB := in.calculate(x.Y)
		if !okA || !okB {
			return 0, false
		}
		switch {
		case x.Op == syntax.Add:
			return a + b, true
		case x.Op == syntax.Sub:
			return a - b, true
		case x.Op == syntax.Mul:
			return a * b, true
		case x.Op == syntax.Quo && b != 0:
			return a / b, true
		case x.Op == syntax.Rem && b != 0:
			return a % b, true
		}
	}
	return 0, false
}
