package manifests

import (
	"strconv"
	"strings"
)

// String writes the path as people write it: spec.containers[0].image, with keys that hold more than letters,
// digits, '-' and '_' quoted in brackets: metadata.labels["a.b/c"]. The empty path is "".
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch step := step.(type) {
		case int:
			b.WriteString("[" + strconv.Itoa(step) + "]")
		case string:
			switch {
			case !plainKey(step):
				b.WriteString("[" + strconv.QuoteToASCII(step) + "]")
			case b.Len() > 0:
				b.WriteString("." + step)
			default:
				b.WriteString(step)
			}
		}
	}
	return b.String()
}

func plainKey(key string) bool {
	for _, r := range key {
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', r == '-', r == '_':
		default:
			return false
		}
	}
	return key != ""
}

// with returns the path one or more steps further. It never shares memory with p.
func (p Path) with(steps ...any) Path {
	longer := make(Path, 0, len(p)+len(steps))
	return append(append(longer, p...), steps...)
}
