package shell

import (
	"encoding/ascii85"
	"encoding/base32"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// coding turns a text into another that it stands for.
type coding func(string) (string, bool)

// codings are the functions by which code in any language decodes text. One that is nil decodes what cannot be
// decoded here.
var codings = map[string]coding{
	"b64decode": decodeBase64, "standard_b64decode": decodeBase64, "urlsafe_b64decode": decodeBase64, "decode64": decodeBase64,
	"strict_decode64": decodeBase64, "urlsafe_decode64": decodeBase64, "decode_base64": decodeBase64, "base64_decode": decodeBase64,
	"atob": decodeBase64, "a2b_base64": decodeBase64, "decodebytes": decodeBase64, "decodestring": decodeBase64,
	"unhexlify": decodeHex, "fromhex": decodeHex, "a2b_hex": decodeHex, "hex2bin": decodeHex, "b16decode": decodeHex,
	"b32decode": decodeBase32, "b85decode": decodeBase85, "a85decode": decodeASCII85,
	"decompress": inflated, "inflate": inflated, "inflateSync": inflated, "inflateRawSync": inflated, "gunzipSync": inflated, "unzipSync": inflated,
	"gzinflate": inflated, "gzuncompress": inflated, "gzdecode": inflated, "bzdecompress": inflated, "memGunzip": inflated, "gunzip": inflated,
	"str_rot13": rot13, "strrev": reversed, "reverse": reversed, "reversed": reversed,
	"decodeURIComponent": percentDecoded, "unescape": percentDecoded, "unquote": percentDecoded, "uri_unescape": percentDecoded,
	"urldecode": percentDecoded, "rawurldecode": percentDecoded,
	"brotliDecompressSync": nil, "decrypt": nil, "openssl_decrypt": nil, "convert_uudecode": nil, "createDecipheriv": nil, "Fernet": nil,
	"marshal": nil, "unpack": nil, "unpack1": nil, "pack": nil, "maketrans": nil,
}

// codingWords are the strings that say which decoding a function does: pack("H*"), Buffer.from(x, "hex").
var codingWords = map[string]coding{
	"base64": decodeBase64, "base64url": decodeBase64, "hex": decodeHex, "H*": decodeHex, "m": decodeBase64, "m0": decodeBase64, "m*": decodeBase64,
	"rot13": rot13, "rot_13": rot13, "zlib": inflated, "bz2": inflated,
	"utf-8": nil, "utf8": nil, "UTF-8": nil, "ascii": nil, "latin1": nil, "latin-1": nil, "binary": nil, "strict": nil, "ignore": nil, "exec": nil, "": nil,
}

// weakCodings are those that much else is called by: code that uses one of them hides nothing by that.
const weakCodings = " reverse reversed strrev decodeURIComponent unescape unquote uri_unescape urldecode rawurldecode "

// What is followed of one encoded value.
const (
	maxCodings = 8    // ways to decode that are told apart
	maxTries   = 100  // texts that are tried
	maxReach   = 5000 // words of code that it is put together of
)

// encoded is what a value in code is put together of, as far as names can be followed.
type encoded struct {
	codings []coding
	texts   []string
	numbers []byte
	hidden  bool // it is decoded from something, be it followed here or not
	chars   bool // numbers are characters
	joins   bool // it puts texts together
}

// plain tells that nothing stands for anything else in it.
func (e *encoded) plain() bool {
	return !e.hidden && len(e.codings) == 0 && (!e.chars || len(e.numbers) < 2)
}

// encoded collects what the tokens of a range are put together of, and the values of the names among them.
func (r *reader) encoded(from, to int) encoded {
	var e encoded
	seen, left := map[string]bool{}, maxReach
	for ranges := [][2]int{{from, to}}; len(ranges) > 0 && left > 0; ranges = ranges[1:] {
		from, to := ranges[0][0], min(ranges[0][1], len(r.tokens))
		for i := from; i < to && left > 0; i, left = i+1, left-1 {
			e.add(r, i, from)
			if t := r.tokens[i]; t.kind == ident && !seen[originName(t.text)] {
				seen[originName(t.text)] = true
				ranges = append(ranges, r.originsOf(originName(t.text))...)
			}
		}
	}
	if e.chars && len(e.numbers) > 1 {
		e.texts = append(e.texts, string(e.numbers))
	}
	if len(e.texts) > 1 && (e.joins || e.hidden) {
		e.texts = append(e.texts, strings.Join(e.texts, ""))
	}
	return e
}

// leads tells that the value that begins at a token is decoded from something, not only a part of it.
func (r *reader) leads(i, depth int) bool {
	for i < len(r.tokens) && (r.tokens[i].kind == punct && strings.Contains("([", r.tokens[i].text) || slices.Contains(leadingWords, r.tokens[i].text)) {
		i++
	}
	t := tokenAt(r.tokens, i)
	base := originName(t.text)
	_, last := lastName(t.text)
	if alias := r.aliases[last]; alias != "" {
		_, last = lastName(alias)
	}
	switch {
	case t.kind == number && tokenAt(r.tokens, i-1).text == "[", t.kind == literal && r.changed(i+1):
		return true
	case t.kind != ident || depth > maxDepthOfNames:
		return false
	case slices.Contains(decodingWords, base) || slices.Contains(decodingWords, last):
		return true
	default:
		_, ok := codings[last]
		return ok || slices.ContainsFunc(r.originsOf(base), func(from [2]int) bool { return r.leads(from[0], depth+1) })
	}
}

// changed tells that what ends before a token is decoded there: 'x'[::-1], ["x"].pack("H*"), ”.join(...).
func (r *reader) changed(i int) bool {
	if tokenAt(r.tokens, i).text == "]" {
		i++
	}
	t := tokenAt(r.tokens, i)
	if t.text == "[" && tokenAt(r.tokens, i+1).text == ":" {
		return true
	}
	name, method := strings.CutPrefix(t.text, ".")
	_, ok := codings[name]
	return t.kind == ident && method && (ok || name == "join" || name == "tr" || name == "decode" || name == "translate" || name == "split" && r.lang == javascript)
}

// leadingWords stand before a value and say nothing of it; decodingWords are what a decoded value may begin with, besides
// the names of codings.
var (
	leadingWords  = []string{"new", "scalar", "join", "map", "await", "str"}
	decodingWords = []string{"Buffer", "codecs", "__import__", "require", "import_module", "fromCharCode", "fromCodePoint", "chr", "bytes", "bytearray", "tr"}
)

// maxDepthOfNames is how many names are followed to where a value begins.
const maxDepthOfNames = 4

// firstArgument is the range of the first argument of a call.
func (r *reader) firstArgument(u codeUse) (from, to int) {
	from = u.from
	for from < u.to && (r.tokens[from].text == "\n" || from == u.from && r.tokens[from].text == "(" && r.tokens[from].kind == punct) {
		from++
	}
	return from, min(max(r.endOf(from), from), len(r.tokens))
}

// originsOf are the ranges of tokens that a name gets its value from: what it is assigned, the body of the function that
// it is, and what is given to the function that it is a parameter of.
func (r *reader) originsOf(name string) [][2]int {
	if r.origins == nil {
		r.origins = map[string][][2]int{}
		params := map[string][]string{}
		for i, t := range r.tokens {
			if from, to, ok := r.assigned(i, t); ok {
				r.addOrigin(r.tokens[from].text, to, r.endOf(to))
			}
			if t.text == "tr" && r.lang == perl { // it changes $_, or the variable that it is bound to
				name := "$_"
				if i > 2 && r.tokens[i-1].text == "~" {
					name = r.tokens[i-3].text
				}
				r.addOrigin(name, i, r.endOf(i))
			}
			if t.kind == ident && slices.Contains(functionWords, t.text) && tokenAt(r.tokens, i+1).kind == ident {
				f := r.tokens[i+1].text
				r.addOrigin(f, i+2, r.endOfFunction(i+2))
				params[f] = r.names(i+2, r.endOf(i+2))
			}
		}
		for i, t := range r.tokens {
			if given := params[t.text]; t.kind == ident && given != nil && tokenAt(r.tokens, i+1).text == "(" && !slices.Contains(functionWords, tokenAt(r.tokens, i-1).text) {
				for _, p := range given {
					r.addOrigin(p, i+2, r.endOf(i+2))
				}
			}
		}
	}
	return r.origins[name]
}

// originName is the part of a qualified name that is assigned: x of x.y, self.x of self.x.y.
func originName(name string) string {
	base := baseName(name)
	if rest, ok := strings.CutPrefix(name, base+"."); ok && (base == "self" || base == "this") {
		return base + "." + baseName(rest)
	}
	return base
}

// functionWords are the words that a function is declared by.
var functionWords = []string{"def", "function", "func", "sub"}

func (r *reader) addOrigin(name string, from, to int) {
	if name = originName(name); len(r.origins[name]) < maxLiterals {
		r.origins[name] = append(r.origins[name], [2]int{from, to})
	}
}

// endOfFunction is where the next function begins.
func (r *reader) endOfFunction(i int) int {
	for stop := min(len(r.tokens), i+maxCallWords); i < stop; i++ {
		if r.tokens[i].kind == ident && slices.Contains(functionWords, r.tokens[i].text) {
			break
		}
	}
	return i
}

// add adds one token.
func (e *encoded) add(r *reader, i, from int) {
	switch t := r.tokens[i]; t.kind {
	case ident:
		_, last := lastName(t.text)
		if to := tokenAt(r.tokens, i+4); last == "tr" && tokenAt(r.tokens, i+2).kind == literal && to.kind == literal {
			from, to := tokenAt(r.tokens, i+2).text, to.text
			e.coding(func(s string) (string, bool) { return translated(s, from, to, false), true })
		}
		if alias := r.aliases[last]; alias != "" {
			_, last = lastName(alias)
		}
		e.named(last, r.lang)
	case literal, command:
		if c, ok := codingWords[t.text]; ok {
			if c != nil {
				e.coding(c)
				e.hidden = true
			}
		} else if len(e.texts) > 0 && i > from && r.joined(i, from) {
			e.texts[len(e.texts)-1] += t.text
		} else if len(t.text) > 0 {
			e.texts = append(e.texts, t.text)
		}
	case number:
		e.number(r, i)
	case punct:
		if t.text == ":" && tokenAt(r.tokens, i+1).text == ":" && tokenAt(r.tokens, i+2).text == "-" && tokenAt(r.tokens, i+3).text == "1" {
			e.coding(reversed) // [::-1]
		}
	}
}

// joined tells that the string at a token goes on with the one before it: 'a' 'b', 'a' + 'b', and 'a' . 'b'.
func (r *reader) joined(i, from int) bool {
	for i--; i > from && (r.tokens[i].text == "\n" || r.tokens[i].text == "+" || r.tokens[i].text == "." || r.tokens[i].text == "b"); i-- {
	}
	return r.tokens[i].kind == literal
}

// named adds a function by its name.
func (e *encoded) named(name string, lang language) {
	c, ok := codings[name]
	switch {
	case ok:
		if c != nil {
			e.coding(c)
		}
		e.hidden = e.hidden || !strings.Contains(weakCodings, " "+name+" ")
	case name == "hex" && lang == perl:
		e.coding(decodeHex)
	case name == "chr" || name == "fromCharCode" || name == "fromCodePoint" || name == "bytes" || name == "bytearray" || name == "char" || name == "from":
		e.chars = true
	case name == "join" || name == "implode":
		e.joins = true
	}
	if name == "pack" || name == "unpack" {
		e.chars = true
	}
}

func (e *encoded) coding(c coding) {
	if len(e.codings) < maxCodings {
		e.codings = append(e.codings, c)
	}
}

// number adds a number: a character, or the key that characters are changed by.
func (e *encoded) number(r *reader, i int) {
	digits, base := r.tokens[i].text, 10
	if next := tokenAt(r.tokens, i+1); digits == "0" && next.kind == ident && strings.HasPrefix(next.text, "x") {
		digits, base = next.text[1:], 16
	}
	n, err := strconv.ParseUint(digits, base, 8)
	before := tokenAt(r.tokens, i-1).text
	switch {
	case err != nil || before == "-" || before == ":":
	case before == "^":
		e.coding(func(s string) (string, bool) { return xored(s, byte(n)), true })
	default:
		e.numbers = append(e.numbers, byte(n))
	}
}

// decoded are the texts that an encoded value may stand for, those in which most of its codings have a part; given stands
// for what is not written in the code.
func (in *interp) decoded(e encoded, given string) []string {
	texts := e.texts
	if len(texts) == 0 && given != "" && in.known(given) {
		texts = []string{strings.TrimRight(given, "\n")}
	}
	var all []string
	tries := maxTries
	for _, t := range texts {
		if len(t) < 4 || !in.step() {
			continue
		}
		plain, used := in.unravel(t, e.codings, &tries)
		if used == 0 && (!e.chars || len(e.numbers) < 2 || t != string(e.numbers)) || !printable(plain) || slices.Contains(all, plain) {
			continue
		}
		all = append(all, in.bounded(plain))
	}
	return all
}

// unravel decodes a text in as many of the ways as it can, the last of them first, and tells how many these were.
func (in *interp) unravel(text string, ways []coding, tries *int) (plain string, used int) {
	plain = text
	for i, way := range slices.Backward(ways) {
		if *tries--; *tries < 0 || in.budget.stopped {
			break
		}
		next, ok := way(text)
		in.charge(len(text) + len(next))
		if !ok || next == "" || next == text {
			continue
		}
		rest := slices.Delete(slices.Clone(ways), i, i+1)
		if p, n := in.unravel(next, rest, tries); n+1 > used && printable(p) {
			plain, used = p, n+1
		}
		if used == len(ways) {
			break
		}
	}
	return plain, used
}

func rot13(s string) (string, bool) {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return 'a' + (r-'a'+13)%26
		case r >= 'A' && r <= 'Z':
			return 'A' + (r-'A'+13)%26
		}
		return r
	}, s), true
}

func reversed(s string) (string, bool) {
	runes := []rune(s)
	slices.Reverse(runes)
	return string(runes), true
}

func xored(s string, key byte) string {
	b := []byte(s)
	for i := range b {
		b[i] ^= key
	}
	return string(b)
}

func percentDecoded(s string) (string, bool) {
	plain, err := url.PathUnescape(s)
	return plain, err == nil
}

// inflated unpacks compressed data, with or without a header.
func inflated(s string) (string, bool) {
	if plain, ok := decompress(s); ok {
		return plain, true
	}
	return inflateRaw(s)
}

// decodeBase32 decodes Base32 in either case, padded or not.
func decodeBase32(s string) (string, bool) {
	s = strings.TrimRight(strings.ToUpper(withoutSpace(s)), "=")
	b, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s)
	return string(b), err == nil
}

// base85 is the alphabet of RFC 1924, which Python's b85decode reads.
const base85 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%&()*+-;<=>?@^_`{|}~"

// decodeBase85 decodes that alphabet by way of Ascii85, which differs in nothing else.
func decodeBase85(s string) (string, bool) { return decodeAlphabet85(s, base85) }

func decodeAlphabet85(s, alphabet string) (string, bool) {
	b := []byte(s)
	for i, ch := range b {
		n := strings.IndexByte(alphabet, ch)
		if n < 0 {
			return "", false
		}
		b[i] = '!' + byte(n)
	}
	return decodeASCII85(string(b))
}

func decodeASCII85(s string) (string, bool) {
	s = strings.TrimSuffix(strings.TrimPrefix(s, "<~"), "~>")
	out := make([]byte, 4*len(s)+4)
	n, _, err := ascii85.Decode(out, []byte(s), true)
	return string(out[:n]), err == nil
}
