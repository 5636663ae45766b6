package gate

import (
	"math"
	"strconv"
	"strings"

	"github.com/tidewaiter/tidewaiter/image"
)

// UserEvidence is who the process of an image is, unless the pod says otherwise.
type UserEvidence struct {
	Written string `json:"written"` // USER, with its group
	// Named tells that it is no number: the kubelet, which sees no /etc/passwd, cannot tell whether it is root.
	Named bool `json:"named"`
	// Root tells that it is root, or may be taken for it; Why says by what, in words for people.
	Root bool   `json:"root"`
	Why  string `json:"why,omitempty"`
}

// passwdFile is where the names of an image's users stand.
const passwdFile = "/etc/passwd"

// imageUser reads USER as container runtimes do: the user, and perhaps a group after a colon, each a number or a
// name of the image's own /etc/passwd, whose text is passwd. Nobody named means root.
func imageUser(c image.Config, passwd string) UserEvidence {
	if c.OS == "windows" {
		return windowsUser(c.User)
	}
	written := strings.TrimSpace(c.User)
	name, group, _ := strings.Cut(written, ":")
	u := UserEvidence{Written: c.User, Named: name != "" && !isNumber(name)}
	quoted := strconv.Quote(c.User)
	switch {
	case name == "", name == "root", isZero(name):
		u.Why = "its user is " + quoted
	case tooLarge(name) || tooLarge(group):
		u.Why = "its user is " + quoted + ", an id that may be taken for 0"
	case idOf(name, passwd) == "0":
		u.Why = "its user " + quoted + " is 0 in " + passwdFile
	}
	u.Root = u.Why != ""
	return u
}

// windowsUser is who an image of Windows runs as: nobody named is ContainerAdministrator.
func windowsUser(written string) UserEvidence {
	u := UserEvidence{Written: written, Named: written != ""}
	if name := strings.ToLower(strings.TrimSpace(written)); name == "" || name == "containeradministrator" {
		u.Root, u.Why = true, "its user is "+strconv.Quote(written)
	}
	return u
}

// isNumber tells that text is decimal digits with an optional sign, however many.
func isNumber(text string) bool {
	digits := strings.TrimLeft(text, "+-")
	return digits != "" && len(text)-len(digits) <= 1 && strings.Trim(digits, "0123456789") == ""
}

func isZero(text string) bool { return isNumber(text) && strings.Trim(text, "+-0") == "" }

// tooLarge tells that a number is beyond the ids of Linux: runtimes have taken such a one for 0 (CVE-2024-40635).
func tooLarge(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return isNumber(text) && (err != nil || n > math.MaxInt32 || n < -math.MaxInt32)
}

// idOf returns the id of a user in the text of /etc/passwd, "" if it is not there. A name that looks like a number
// is looked for, too, as runtimes do.
func idOf(name, passwd string) string {
	for line := range strings.SplitSeq(passwd, "\n") {
		fields := strings.Split(line, ":")
		if len(fields) > 2 && fields[0] == name {
			if isZero(fields[2]) {
				return "0"
			}
			return fields[2]
		}
	}
	return ""
}
