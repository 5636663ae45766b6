// Package gate is the whole judgement: it turns what is to be deployed into subjects, gathers the evidence on
// each, lets the rules judge it, and adds the findings up to one verdict. It fails closed: what it could not
// look at is undecided, and nothing looked at is undecided too.
package gate

import "fmt"

// Verdict is what the gate says of a subject or of a whole run. The zero Verdict lets nothing through.
type Verdict int

// The verdicts. Undecided and Deny both stop a deployment, and differ in why.
const (
	Undecided Verdict = iota
	Deny
	Allow
)

var verdictNames = [...]string{Undecided: "undecided", Deny: "deny", Allow: "allow"}

// String returns the verdict's name in reports; one that is not known is "undecided".
func (v Verdict) String() string {
	if v < 0 || int(v) >= len(verdictNames) {
		return verdictNames[Undecided]
	}
	return verdictNames[v]
}

// MarshalText writes the verdict's name.
func (v Verdict) MarshalText() ([]byte, error) { return []byte(v.String()), nil }

// UnmarshalText reads a verdict's name. Any other text is an error and leaves Undecided.
func (v *Verdict) UnmarshalText(text []byte) error {
	*v = Undecided
	for i, name := range verdictNames {
		if string(text) == name {
			*v = Verdict(i)
			return nil
		}
	}
	return fmt.Errorf("no verdict is called %q", text)
}

// Sum adds verdicts up: Deny if any denies, else Undecided if any is undecided or there is none, else Allow.
func Sum(verdicts []Verdict) Verdict {
	if len(verdicts) == 0 {
		return Undecided
	}
	total := Allow
	for _, v := range verdicts {
		switch v {
		case Deny:
			return Deny
		case Allow:
		default:
			total = Undecided
		}
	}
	return total
}
