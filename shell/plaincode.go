package shell

import (
	"regexp"
	"strings"
)

// plainCode is a program in perl or ruby without what they do not read as code: comments, documentation between =pod and
// =cut or =begin and =end, and what follows __END__. Every way to quote becomes a string between double quotes: q(…), %q(…),
// here-documents; a regular expression becomes a number. Such marks within a string are text, so strings are followed;
// where the program reads its own text, all of that may be code, and stays.
func plainCode(code string, lang language) string {
	if lang != perl && lang != ruby {
		return code
	}
	d := documented{code: code, lang: lang, ends: true, self: readsItself.MatchString(code)}
	for d.at < len(code) {
		d.next()
	}
	d.keep(len(code))
	return d.kept.String()
}

// readsItself finds what a program gets at its own text by.
var readsItself = regexp.MustCompile(`(?:^|[<*&:({=\s])DATA\b|\bSelfLoader\b|\b(?:open|read|File)\b[^;\n]*(?:\$0|__FILE__|\$PROGRAM_NAME)`)

// documented walks a program in perl or ruby from one piece of code to the next.
type documented struct {
	code string
	lang language
	self bool // the program reads its own text
	kept strings.Builder
	from int // where what is to be kept next begins
	at   int

	ends    bool   // a statement has ended, so that another may begin here
	operand bool   // what stands before is a value, so that / divides it
	blocks  []bool // of the open braces: whether each opened a block, not a key
	word    string // the name or the sign that stands before
	endless int    // how many here-documents were not found to end
	here    int    // where the here-documents end that were opened on this line; 0 if none were
}

// keep keeps what was passed up to here, and goes on behind it at to.
func (d *documented) keep(to int) {
	d.kept.WriteString(d.code[min(d.from, d.at):d.at])
	d.at, d.from = to, to
}

func (d *documented) next() {
	rest := d.code[d.at:]
	if lineStart := d.at == 0 || d.code[d.at-1] == '\n'; lineStart && d.skipped(rest) {
		return
	}
	switch ch := rest[0]; {
	case ch == '\n':
		d.at++
		d.ends = d.ends || d.lang == ruby
		if d.here > 0 {
			d.keep(d.here)
			d.here = 0
		}
	case ch == ' ' || ch == '\t' || ch == '\r':
		d.at++
	case strings.HasPrefix(rest, "$#") && d.lang == perl: // the last index of an array
		d.put("$", 2)
	case len(rest) > 1 && ch == '$' && strings.IndexByte("\"'`", rest[1]) >= 0 && d.lang == perl:
		d.put("$_", 2)
	case ch == '#':
		d.keep(d.at + lineLength(rest))
	case ch == '"' || ch == '\'' || ch == '`':
		_, n := quotedText(rest)
		d.value(n)
	case strings.HasPrefix(rest, "<<") && d.hereDocument(rest):
	case ch == '/' && !d.operand && regexLength(rest) > 1:
		d.put("0", regexLength(rest))
	case d.lang == ruby && ch == '%' && !d.operand && d.rubyQuote(rest):
	case isName(ch):
		d.name(rest)
	case isDigit(ch):
		d.value(span(rest, isDigit))
	default:
		d.punctuation(ch)
	}
}

// skipped leaves out documentation, or the end of the program, that begins on this line.
func (d *documented) skipped(rest string) bool {
	line := strings.TrimRight(rest[:lineLength(rest)], " \t\r")
	if !d.ends || d.self {
		return false
	}
	stop := len(rest)
	switch {
	case line == "__END__" || d.lang == perl && line == "__DATA__":
	case d.lang == perl && len(line) > 1 && line[0] == '=' && isLetter(line[1]):
		if m := podEnd.FindStringIndex(rest); m != nil {
			stop = m[1]
		}
	case d.lang == ruby && (line == "=begin" || strings.HasPrefix(line, "=begin ")):
		if m := rubyEnd.FindStringIndex(rest); m != nil {
			stop = m[1]
		}
	default:
		return false
	}
	d.keep(d.at + stop)
	return true
}

var (
	podEnd  = regexp.MustCompile(`(?m)^=cut(?:[^a-zA-Z\n].*)?$`)
	rubyEnd = regexp.MustCompile(`(?m)^=end(?:[ \t].*)?$`)
)

// value passes a string, a number or a regular expression.
func (d *documented) value(length int) {
	d.at += length
	d.ends, d.operand, d.word = false, true, "\""
}

// put keeps text in place of what is passed.
func (d *documented) put(text string, length int) {
	d.keep(d.at + length)
	d.kept.WriteString(" " + text)
	d.value(0)
}

// name passes a name; where it is q, qw, m or one of their kin, with what it quotes.
func (d *documented) name(rest string) {
	n := nameLength(rest)
	word := rest[:n]
	key := strings.Contains("-> sub % &", d.word) && d.word != "" || strings.HasPrefix(strings.TrimLeft(rest[n:], " \t"), "=>") || strings.HasPrefix(rest[n:], "}")
	if d.lang == perl && !key && d.perlQuote(word, rest) {
		return
	}
	d.at += n
	d.ends, d.word = false, word
	d.operand = !strings.Contains(" split grep map join and or not if unless while until return x push ", " "+word+" ")
}

// perlQuote passes what one of perl's operators quotes, and tells whether word is one.
func (d *documented) perlQuote(word, rest string) bool {
	if !strings.Contains(" q qq qw qx qr m s tr y ", " "+word+" ") {
		return false
	}
	n := quoteOpens(rest, len(word))
	if n == len(rest) || rest[n] == '#' && n > len(word) {
		return false
	}
	text, second, flags := "", "", ""
	text, n = quotedPart(rest, n)
	if strings.Contains(" s tr y ", " "+word+" ") && n < len(rest) {
		if strings.IndexByte(")]}>", rest[n-1]) < 0 {
			n-- // s/a/b/ has one delimiter between its two parts
		} else {
			n = min(quoteOpens(rest, n), len(rest)-1)
		}
		second, n = quotedPart(rest, n)
	}
	if word[0] != 'q' || word == "qr" {
		length := span(rest[n:], isLetter)
		flags, n = rest[n:n+length], n+length
	}
	switch {
	case word == "q" || word == "qq":
		d.put(quoted(text), n)
	case word == "qw":
		d.put(quotedWords(text), n)
	case word == "qx": // a command, which the lexer knows
		d.value(n)
	case word == "tr" || word == "y":
		d.put("tr("+quoted(text)+","+quoted(second)+")", n)
	case word == "s" && strings.Contains(flags, "e"):
		d.put("("+second+")", n) // code
	default:
		d.put("0", n)
	}
	return true
}

// quoteOpens is where the delimiter stands behind the blanks at an offset.
func quoteOpens(s string, at int) int {
	return at + span(s[at:], func(ch byte) bool { return ch == ' ' || ch == '\t' || ch == '\n' })
}

// quotedPart is the text between the delimiter at an offset and its counterpart, and where it ends.
func quotedPart(s string, at int) (text string, end int) {
	n := delimitedLength(s[at:])
	return s[at+1 : at+max(1, n-1)], at + n
}

// rubyQuote passes what %q, %w, %r and their kin quote.
func (d *documented) rubyQuote(rest string) bool {
	n := 1 + span(rest[1:], isLetter)
	if n >= len(rest) || n > 2 || isDigit(rest[n]) && rest[n] != '.' || strings.IndexByte("=,;)# \t\n", rest[n]) >= 0 {
		return false
	}
	text, end := quotedPart(rest, n)
	switch rest[1] {
	case 'x': // a command, which the lexer knows
		d.value(end)
	case 'r':
		d.put("0", end)
	case 'w', 'W', 'i', 'I':
		d.put("["+quotedWords(text)+"]", end)
	default:
		d.put(quoted(text), end)
	}
	return true
}

// quotedWords is a list of the words in text, each between double quotes.
func quotedWords(text string) string {
	words := strings.Fields(text)
	for i, w := range words {
		words[i] = quoted(w)
	}
	return strings.Join(words, ", ")
}

// quoted is text between double quotes, with its escapes as they are.
func quoted(text string) string {
	return `"` + unquoted.ReplaceAllStringFunc(text, func(s string) string {
		if s == `"` {
			return `\"`
		}
		return s
	}) + `"`
}

var unquoted = regexp.MustCompile(`(?s)\\.|"`)

// delimitedLength is the length of the text between the delimiter that s begins with and its counterpart, with both.
func delimitedLength(s string) int {
	closing := s[0]
	if i := strings.IndexByte("({[<", s[0]); i >= 0 {
		closing = ")}]>"[i]
	}
	depth := 1
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\':
			i++
		case s[i] == closing:
			if depth--; depth == 0 {
				return i + 1
			}
		case s[i] == s[0]:
			depth++
		}
	}
	return len(s)
}

// regexLength is the length of a regular expression, which ends on its line; without an end it is one division.
func regexLength(s string) int {
	if n := delimitedLength(s[:lineLength(s)]); n > 1 && s[n-1] == '/' {
		return n
	}
	return 1
}

func lineLength(s string) int {
	if n := strings.IndexByte(s, '\n'); n >= 0 {
		return n
	}
	return len(s)
}

// hereDocument puts the here-document that rest opens in its place as a string, and tells whether it opens one. Where
// << may as well be an operator, the lines stay code.
func (d *documented) hereDocument(rest string) bool {
	m := hereOpens.FindStringSubmatch(rest)
	if m == nil || d.word == "class" || d.operand && (d.word == "" || strings.IndexByte(`$@")]}`, d.word[0]) >= 0) {
		return false
	}
	body := max(d.here, d.at+lineLength(rest)+1)
	text, stop, ok := d.hereText(body, m[1]+m[2]+m[3])
	prints := strings.Contains(" puts print p raise warn abort system exec spawn eval instance_eval return ", " "+d.word+" ")
	if !ok || d.lang == ruby && m[3] != "" && (!isUpper(m[3][0]) || d.operand && !prints) {
		return false
	}
	d.keep(d.at + len(m[0]))
	d.kept.WriteString(" " + quoted(text))
	d.value(0)
	d.here = stop
	return true
}

var hereOpens = regexp.MustCompile(`^<<[~-]?(?:"([^"\n]*)"|'([^'\n]*)'|([A-Za-z_]\w*))`)

func isUpper(ch byte) bool { return ch >= 'A' && ch <= 'Z' }

// hereText is the text of a here-document, from an offset to a line that is its end, and where that line ends.
func (d *documented) hereText(from int, end string) (text string, stop int, ok bool) {
	for at := from; at < len(d.code) && d.endless < maxEndless; {
		n := lineLength(d.code[at:])
		if strings.TrimSpace(d.code[at:at+n]) == end {
			return d.code[from:at], min(len(d.code), at+n+1), true
		}
		at += n + 1
	}
	if d.endless++; d.endless > maxEndless {
		d.self = true // nobody knows any more what is a string
	}
	return "", 0, false
}

// maxEndless is how often the end of a here-document is looked for in vain.
const maxEndless = 100

// punctuation passes one character. A brace that closes a block ends a statement, one that closes a key does not.
func (d *documented) punctuation(ch byte) {
	before := d.word
	d.at++
	d.word, d.operand = string(ch), ch == ')' || ch == ']' || ch == '}'
	if before == "-" && ch == '>' {
		d.word = "->"
	}
	switch ch {
	case '{':
		block := before == "" || strings.Contains(";{})", before) || isLetter(before[0])
		d.blocks = append(d.blocks, block)
		d.ends = true
	case '}':
		d.ends = len(d.blocks) == 0 || d.blocks[len(d.blocks)-1]
		if len(d.blocks) > 0 {
			d.blocks = d.blocks[:len(d.blocks)-1]
		}
	default:
		d.ends = ch == ';'
	}
	if d.ends {
		d.operand = false
	}
}
