package policies

import "fmt"

var severityNames = [...]string{Unset: "", Off: "off", Low: "low", Medium: "medium", High: "high", Critical: "critical"}

// String returns the severity's name as configuration and reports spell it.
func (s Severity) String() string {
	if s < 0 || int(s) >= len(severityNames) {
		return fmt.Sprintf("Severity(%d)", int(s))
	}
	return severityNames[s]
}

// MarshalText writes the severity's name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity's name.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, name := range severityNames {
		if i > int(Unset) && string(text) == name {
			*s = Severity(i)
			return nil
		}
	}
	return fmt.Errorf("no severity is called %q: low, medium, high, critical or off", text)
}
