package shell

import (
	"bytes"
	"compress/bzip2"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/mikelolasagasti/xz"
)

// decode is the programs that turn one form of data into another. What is known is decoded here; what was fetched
// stays fetched; and what is neither is opaque: running it cannot be judged.
func (in *interp) decode(c *call) effect {
	name := c.name()
	p := options{short: "wclsoS", long: "wrap cols len seek suffix "}.parse(c.args())
	files := p.args
	switch name {
	case "tr":
		in.print(c, in.translate(in.stdin(c), c.args()))
		return effect{}
	case "rev":
		in.print(c, in.convert(in.inputs(c, files), name, reverseLines))
		return effect{}
	}
	compressed := strings.Contains(name, "z") && name != "basenc" || name == "uncompress" || name == "pigz" || strings.Contains(name, "lz") || name == "brotli"
	if compressed && !strings.Contains(name, "cat") && len(files) > 0 && !p.has("c", "stdout", "to-stdout") {
		in.decompressFiles(files, name)
		return effect{}
	}
	text := in.inputs(c, files)
	if !decodes(name, p) {
		in.print(c, in.derived(text, "$("+name+")", ""))
		return effect{}
	}
	in.print(c, in.convert(text, name, decoderOf(name, p)))
	return effect{}
}

// decodes tells whether the command line turns encoded data into plain data, not the other way round.
func decodes(name string, p parsed) bool {
	switch name {
	case "base64", "base32", "basenc", "gzip", "xz", "bzip2", "zstd", "lz4", "pigz", "lzma", "brotli":
		return p.has("d", "D", "decode", "decompress", "uncompress")
	case "xxd":
		return p.has("r", "revert")
	}
	return true
}

// decompressFiles is gunzip x.gz, which leaves x.
func (in *interp) decompressFiles(files []string, name string) {
	for _, f := range files {
		from := in.path(f)
		text := in.convert(in.readFile(from), name, decompress)
		to := from
		if i := strings.LastIndexByte(from, '.'); i > strings.LastIndexByte(from, '/') {
			to = from[:i]
		}
		in.writeFile(to, text, false)
	}
}

// convert decodes text if it is known and can be decoded.
func (in *interp) convert(text, name string, decoder func(string) (string, bool)) string {
	if text == "" {
		return ""
	}
	if in.known(text) && decoder != nil {
		if plain, ok := decoder(text); ok && len(plain) <= in.budget.limits.ValueBytes {
			return in.bounded(plain)
		}
	}
	if in.remarkable(text) != nil {
		return in.derived(text, "$("+name+")", name+" decodes it")
	}
	return in.newHole(hole{spelling: "$(" + name + ")", opaque: name + " decodes what cannot be read here"})
}

func decoderOf(name string, p parsed) func(string) (string, bool) {
	switch name {
	case "base64", "openssl":
		return decodeBase64
	case "base32":
		return decodeBase32
	case "basenc":
		return basencDecoder(p)
	case "xxd":
		return decodeHex
	}
	return decompress
}

// basencDecoder is the one that an option of basenc names.
func basencDecoder(p parsed) func(string) (string, bool) {
	switch {
	case p.has("base16"):
		return decodeHex
	case p.has("base32"):
		return decodeBase32
	case p.has("base32hex"):
		return func(s string) (string, bool) {
			b, err := base32.HexEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(withoutSpace(s), "="))
			return string(b), err == nil
		}
	case p.has("z85"):
		return func(s string) (string, bool) { return decodeAlphabet85(withoutSpace(s), z85) }
	case p.has("base2msbf", "base2lsbf"):
		return nil
	}
	return decodeBase64
}

// z85 is the alphabet of ZeroMQ's Base85.
const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

func withoutSpace(s string) string { return strings.Join(strings.Fields(s), "") }

// decodeBase64 decodes either alphabet, padded or not.
func decodeBase64(s string) (string, bool) {
	s = strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(withoutSpace(s)), "=")
	b, err := base64.RawStdEncoding.DecodeString(s)
	return string(b), err == nil
}

// decodeHex decodes plain hex digits, with or without \x or 0x before each byte, and xxd's own dump.
func decodeHex(s string) (string, bool) {
	var digits strings.Builder
	for line := range strings.SplitSeq(s, "\n") {
		if offset, rest, ok := strings.Cut(line, ": "); ok && len(offset) == 8 {
			line, _, _ = strings.Cut(rest, "  ")
		}
		digits.WriteString(withoutSpace(strings.NewReplacer(`\x`, "", "0x", "").Replace(line)))
	}
	b, err := hex.DecodeString(digits.String())
	return string(b), err == nil
}

// maxUnpacked is how large compressed data in a script may become, in bytes.
const maxUnpacked = 1 << 20

// maxDictionary is how much memory unpacking xz may take, in bytes: what xz itself takes without an option.
const maxDictionary = 8 << 20

// decompress unpacks gzip, zlib, bzip2 and xz; other forms are not known here.
func decompress(s string) (string, bool) {
	var r io.Reader
	var err error
	switch {
	case strings.HasPrefix(s, "\x1f\x8b"):
		r, err = gzip.NewReader(strings.NewReader(s))
	case strings.HasPrefix(s, "BZh"):
		r = bzip2.NewReader(strings.NewReader(s))
	case strings.HasPrefix(s, "\xfd7zXZ\x00"):
		r, err = xz.NewReader(strings.NewReader(s), maxDictionary)
	case strings.HasPrefix(s, "\x78"):
		r, err = zlib.NewReader(strings.NewReader(s))
	default:
		return "", false
	}
	if err != nil {
		return "", false
	}
	return unpacked(r)
}

// inflateRaw unpacks a stream of deflate that has no header.
func inflateRaw(s string) (string, bool) { return unpacked(flate.NewReader(strings.NewReader(s))) }

// unpacked is what r unpacks, if that is not too large.
func unpacked(r io.Reader) (string, bool) {
	var out bytes.Buffer
	n, err := io.Copy(&out, io.LimitReader(r, maxUnpacked+1))
	return out.String(), err == nil && n > 0 && n <= maxUnpacked
}

func reverseLines(s string) (string, bool) {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		runes := []rune(l)
		for a, b := 0, len(runes)-1; a < b; a, b = a+1, b-1 {
			runes[a], runes[b] = runes[b], runes[a]
		}
		lines[i] = string(runes)
	}
	return strings.Join(lines, "\n"), true
}

// translate is tr: rot13 and the like on known text.
func (in *interp) translate(text string, args []string) string {
	p := options{}.parse(args)
	from, to := firstOr(p.args, ""), ""
	if len(p.args) > 1 {
		to = p.args[1]
	}
	src := []rune(ranges(from))
	complement := p.has("c", "C", "complement")
	if !in.known(text) || complement && (!p.has("d", "delete") || strings.Contains(from, "[:")) {
		return in.derived(text, "$(tr)", "")
	}
	if complement {
		return strings.Map(func(r rune) rune {
			if slices.Contains(src, r) {
				return r
			}
			return -1
		}, text)
	}
	return in.bounded(translated(text, from, to, p.has("d", "delete")))
}

// translated is text with the characters of one set replaced by those of another, or deleted.
func translated(text, from, to string, deletes bool) string {
	src, dst := []rune(ranges(from)), []rune(ranges(to))
	into := make(map[rune]rune, len(src))
	for i, r := range src {
		switch {
		case deletes:
			into[r] = -1
		case len(dst) > 0:
			into[r] = dst[min(i, len(dst)-1)]
		}
	}
	return strings.Map(func(r rune) rune {
		if mapped, ok := into[r]; ok {
			return mapped
		}
		return r
	}, text)
}

// ranges writes a-z out in full.
func ranges(set string) string {
	set = escapes(plainEscape.ReplaceAllString(strings.Trim(set, "[]"), "$1"), true)
	runes := []rune(set)
	var b strings.Builder
	for i := 0; i < len(runes); i++ {
		if i+2 < len(runes) && runes[i+1] == '-' && runes[i+2] >= runes[i] && runes[i+2]-runes[i] < 256 {
			for r := runes[i]; r <= runes[i+2]; r++ {
				b.WriteRune(r)
			}
			i += 2
			continue
		}
		b.WriteRune(runes[i])
	}
	return b.String()
}

// plainEscape is a character that tr takes for itself behind a backslash.
var plainEscape = regexp.MustCompile(`\\([^\\a-z0-7])`)

// escapes replaces \n, \x41, \101, \u0041 and their like. printf's formats write octal as \101, echo -e as \0101.
func escapes(s string, format bool) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if j := strings.IndexByte(`abefnrtvE`, s[i]); j >= 0 {
			b.WriteByte("\a\b\x1b\f\n\r\t\v\x1b"[j])
			continue
		}
		i += numericEscape(&b, s[i:], format) - 1
	}
	return b.String()
}

// numericEscape writes what the escape at the start of s, its backslash removed, stands for, and returns its length.
func numericEscape(b *strings.Builder, s string, format bool) int {
	start, base, most := 0, 8, 3
	switch {
	case s[0] == 'x':
		start, base, most = 1, 16, 2
	case s[0] == 'u':
		start, base, most = 1, 16, 4
	case s[0] == 'U':
		start, base, most = 1, 16, 8
	case s[0] == '0' && !format:
		most = 4
	case s[0] < '0' || s[0] > '7':
		if strings.IndexByte(`\'"?`, s[0]) < 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(s[0])
		return 1
	}
	stop := start
	for stop < len(s) && stop-start < most && strings.IndexByte("0123456789abcdefABCDEF"[:min(base+base/16*6, 22)], s[stop]) >= 0 {
		stop++
	}
	n, err := strconv.ParseUint(s[start:stop], base, 32)
	if err != nil {
		b.WriteString(`\` + s[:1])
		return 1
	}
	if most > 4 || most == 4 && s[0] == 'u' {
		b.WriteRune(rune(n))
	} else {
		b.WriteByte(byte(n))
	}
	return stop
}
