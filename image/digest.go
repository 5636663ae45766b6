package image

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
)

const digestPrefix = "sha256:"

// checkDigest accepts sha256:<64 lower-case hex digits> and nothing else. Digests name files and tags, so a
// lax format is a path traversal (CVE-2024-37032), and an algorithm that is not computed here is not checked.
func checkDigest(s string) error {
	digits, ok := strings.CutPrefix(s, digestPrefix)
	if !ok {
		return fmt.Errorf("digest %s is not of sha256", quote(s))
	}
	if len(digits) != 2*sha256.Size || strings.Trim(digits, "0123456789abcdef") != "" {
		return fmt.Errorf("digest %s is not sha256: and 64 lower-case hexadecimal digits", quote(s))
	}
	return nil
}

func digestOf(b []byte) string {
	sum := sha256.Sum256(b)
	return digestPrefix + hex.EncodeToString(sum[:])
}
