package signature

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// refusal says why a signature does not count for an authority.
type refusal struct {
	depth  depth
	reason string
}

// depth says how far a signature came before it was refused: the further, the more its reason tells.
type depth int

const (
	depthMalformed depth = iota // nothing could be made of it
	depthKind                   // a key where a certificate is wanted, or the other way round
	depthSigner                 // it is somebody else's
	depthTrust                  // the right signer, but not the log, the certificate chain or the time
	depthClaim                  // the right signer, about another image
)

func refuse(d depth, format string, args ...any) *refusal {
	return &refusal{d, clip(fmt.Sprintf(format, args...), maxReason)}
}

// Bounds in bytes of text that comes from signatures.
const (
	maxReason = 400
	maxName   = 256
)

// clip makes untrusted text printable on one line, and at most limit bytes and an ellipsis long.
func clip(text string, limit int) string {
	cut := len(text) > limit
	if cut {
		text = text[:limit]
	}
	text = strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	text = strings.Join(strings.Fields(text), " ")
	if cut {
		text += "…"
	}
	return text
}

// quote shows an untrusted name inside a reason.
func quote(text string) string {
	if len(text) > maxName {
		return strconv.QuoteToASCII(text[:maxName]) + "…"
	}
	return strconv.QuoteToASCII(text)
}
