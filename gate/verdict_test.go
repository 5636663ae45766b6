package gate

import "testing"

func TestSum(t *testing.T) {
	const unknown = Verdict(17)
	for _, test := range []struct {
		name string
		of   []Verdict
		want Verdict
	}{
		{"nothing judged", nil, Undecided},
		{"allowed", []Verdict{Allow, Allow}, Allow},
		{"one denied", []Verdict{Allow, Deny}, Deny},
		{"one undecided", []Verdict{Undecided, Allow}, Undecided},
		{"denied beats undecided", []Verdict{Undecided, Deny, Allow}, Deny},
		{"denied beats undecided in any order", []Verdict{Deny, Undecided}, Deny},
		{"unknown is not allowed", []Verdict{Allow, unknown}, Undecided},
		{"the zero value is not allowed", make([]Verdict, 1), Undecided},
	} {
		if got := Sum(test.of); got != test.want {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
	}
	if got := unknown.String(); got != "undecided" {
		t.Errorf("unknown verdict is called %q", got)
	}
	v := Allow
	if err := v.UnmarshalText([]byte("allowed")); err == nil || v != Undecided {
		t.Errorf("a verdict that is none: got %v, %v", v, err)
	}
}
