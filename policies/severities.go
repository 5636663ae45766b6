package policies

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/agnivade/levenshtein"
)

// checkSeverities tells whether each severity of the configuration is for a rule that there is.
func checkSeverities(severities map[string]Severity, rules []Rule) error {
	ids := make([]string, len(rules))
	for i, rule := range rules {
		ids[i] = rule.ID
	}
	var bad []error
	for _, id := range slices.Sorted(maps.Keys(severities)) {
		switch severity := severities[id]; {
		case !slices.Contains(ids, id):
			bad = append(bad, fmt.Errorf("rules.%s: there is no such rule%s", id, suggestion(id, ids)))
		case severity <= Unset || severity > Critical:
			bad = append(bad, fmt.Errorf("rules.%s: no severity is set: low, medium, high, critical or off", id))
		}
	}
	return errors.Join(bad...)
}

// suggestion names what may have been meant by id, if anything comes near, and where to look it up.
func suggestion(id string, ids []string) string {
	best, distance := "", len(id)/2+1
	for _, candidate := range ids {
		if d := levenshtein.ComputeDistance(id, candidate); d < distance {
			best, distance = candidate, d
		}
	}
	if best == "" {
		return ": `tidewaiter rules` lists them"
	}
	return fmt.Sprintf(": did you mean %q?", best)
}
