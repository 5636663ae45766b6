package gate

import (
	"testing"
	"time"
)

func day(s string) Day {
	var d Day
	if err := d.UnmarshalText([]byte(s)); err != nil {
		panic(err)
	}
	return d
}

func TestWaivers(t *testing.T) {
	w := Waiver{Rule: "kubernetes/host-path", Subject: "DaemonSet/monitoring/exporter", Reason: "reads /proc", Expires: day("2027-03-01")}
	for _, test := range []struct {
		name    string
		now     string
		rule    string
		subject string
		waived  bool
	}{
		{"covers", "2027-02-28T12:00:00Z", "kubernetes/host-path", "DaemonSet/monitoring/exporter", true},
		{"holds to the end of its last day", "2027-03-01T23:59:59Z", "kubernetes/host-path", "DaemonSet/monitoring/exporter", true},
		{"expired", "2027-03-02T00:00:00Z", "kubernetes/host-path", "DaemonSet/monitoring/exporter", false},
		{"last day is in UTC", "2027-03-02T01:00:00+02:00", "kubernetes/host-path", "DaemonSet/monitoring/exporter", true},
		{"other rule", "2027-02-28T12:00:00Z", "kubernetes/host-port", "DaemonSet/monitoring/exporter", false},
		{"other subject", "2027-02-28T12:00:00Z", "kubernetes/host-path", "DaemonSet/monitoring/exporter2", false},
		{"other namespace", "2027-02-28T12:00:00Z", "kubernetes/host-path", "DaemonSet/exporter", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			now, err := time.Parse(time.RFC3339, test.now)
			if err != nil {
				t.Fatal(err)
			}
			findings := []Finding{{Rule: test.rule}}
			ws := newWaivers([]Waiver{w}, now)
			ws.apply([]string{test.subject}, findings)
			if got := findings[0].Waived != nil; got != test.waived {
				t.Errorf("waived: got %v, want %v", got, test.waived)
			}
			if got := ws.evidence("c", false).Waivers[0].Used; got != test.waived {
				t.Errorf("used: got %v, want %v", got, test.waived)
			}
		})
	}
}
