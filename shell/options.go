package shell

import "strings"

// options says how a program reads its options.
type options struct {
	short  string // short options that take a value: "oHd"
	long   string // long options that take a value, each followed by a space: "output header "
	first  bool   // the first operand ends the options, as with programs that run other programs
	single bool   // one dash begins a long option: -source
}

// option is one option as it was given, without its dashes.
type option struct{ name, value string }

// parsed is a command line taken apart.
type parsed struct {
	opts []option
	args []string // operands
}

func (o options) parse(args []string) parsed {
	var p parsed
	for i := 0; i < len(args); i++ {
		a := args[i]
		switch {
		case a == "--":
			p.args = append(p.args, args[i+1:]...)
			return p
		case len(a) < 2 || a[0] != '-':
			if o.first {
				p.args = append(p.args, args[i:]...)
				return p
			}
			p.args = append(p.args, a)
		case a[1] == '-' || o.single:
			i += p.addLong(o, strings.TrimLeft(a, "-"), args[i+1:])
		default:
			i += p.addShort(o, a[1:], args[i+1:])
		}
	}
	return p
}

// commandIn is what stands behind the options: a command of its own.
func (o options) commandIn(args []string) []string {
	o.first = true
	return o.parse(args).args
}

// addLong adds --name, --name=value or --name value, and returns how many of the next arguments it took.
func (p *parsed) addLong(o options, a string, next []string) int {
	name, value, has := strings.Cut(a, "=")
	if !has && len(next) > 0 && takesValue(o.long, name) {
		p.opts = append(p.opts, option{name, next[0]})
		return 1
	}
	p.opts = append(p.opts, option{name, value})
	return 0
}

// addShort adds a bundle of short options: -sSLo FILE.
func (p *parsed) addShort(o options, bundle string, next []string) int {
	for i := range len(bundle) {
		name := bundle[i : i+1]
		if !strings.Contains(o.short, name) {
			p.opts = append(p.opts, option{name, ""})
			continue
		}
		if rest := bundle[i+1:]; rest != "" {
			p.opts = append(p.opts, option{name, strings.TrimPrefix(rest, "=")})
			return 0
		}
		if len(next) > 0 {
			p.opts = append(p.opts, option{name, next[0]})
			return 1
		}
	}
	return 0
}

func takesValue(long, name string) bool {
	for long != "" {
		var word string
		word, long, _ = strings.Cut(long, " ")
		if word == name {
			return true
		}
	}
	return false
}

// has tells whether one of the options was given.
func (p parsed) has(names ...string) bool {
	_, ok := p.get(names...)
	return ok
}

// value returns the value of the last of these options, "" if none was given.
func (p parsed) value(names ...string) string {
	v, _ := p.get(names...)
	return v
}

func (p parsed) get(names ...string) (string, bool) {
	for i := len(p.opts) - 1; i >= 0; i-- {
		for _, n := range names {
			if p.opts[i].name == n {
				return p.opts[i].value, true
			}
		}
	}
	return "", false
}

// firstOr returns the first of list, or otherwise if there is none.
func firstOr(list []string, otherwise string) string {
	if len(list) == 0 {
		return otherwise
	}
	return list[0]
}
