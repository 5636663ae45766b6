package policies

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	conftest "github.com/open-policy-agent/conftest/policy"
	"github.com/open-policy-agent/opa/v1/ast"
)

// nearlyAsked are names that look as if they were meant to be asked: denied, Deny, violations, warning.
var nearlyAsked = regexp.MustCompile(`(?i)^(den[yi]|violat|warn)`)

// checkAsked tells whether a folder has at least one rule that is asked, or an exception to one.
func checkAsked(dir string, engine *conftest.Engine) error {
	files, rules := 0, 0
	for file, module := range engine.Modules() {
		if _, ok := relative(dir, file); !ok {
			continue
		}
		files++
		for _, r := range module.Rules {
			if name := ruleHeadName(r); asked.MatchString(name) || name == "exception" {
				return nil
			}
			rules++
		}
	}
	return fmt.Errorf("--policy %s: none of its %d rules in %d files is ever asked: "+
		"name what denies deny, violation or warn (or deny_…), as in `deny contains msg if`", dir, rules, files)
}

// findUserRules returns the rules that are asked, in the order of their IDs. The error names all that can never
// give a result that is understood, and those that nobody asks although their name looks like it.
func findUserRules(compiler *ast.Compiler) ([]userRule, error) {
	found := map[string]*userRule{}
	var bad []error
	for _, module := range compiler.Modules {
		for _, r := range module.Rules {
			name := ruleHeadName(r)
			if !asked.MatchString(name) {
				bad = append(bad, checkMisspelt(compiler, r, name))
				continue
			}
			if err := checkShape(r, name); err != nil {
				bad = append(bad, err)
				continue
			}
			id := userID(module.Package.Path, name)
			if found[id] == nil {
				found[id] = &userRule{Rule: Rule{ID: id, Kind: User}, namespace: module.Package.Path, name: name}
			}
			found[id].heads = append(found[id].heads, r)
		}
	}
	var rules []userRule
	for _, rule := range found {
		bad = append(bad, rule.describe(compiler.GetAnnotationSet()))
		rules = append(rules, *rule)
	}
	slices.SortFunc(rules, func(a, b userRule) int { return strings.Compare(a.ID, b.ID) })
	return rules, errors.Join(sortErrors(bad)...)
}

// userID returns user/<namespace>.<rule>.
func userID(namespace ast.Ref, name string) string {
	return string(User) + "/" + strings.TrimPrefix(namespace.String(), "data.") + "." + name
}

// sortErrors puts errors in the order of their text, which begins with file and line, and drops nil.
func sortErrors(errs []error) []error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errs
}

// checkShape tells whether a rule can ever have results. conftest passes what has not: a rule that is true, a
// text or an object instead of a set of them, and a function, which it never calls.
func checkShape(r *ast.Rule, name string) error {
	wrong := ""
	switch head := r.Head; {
	case len(head.Args) > 0:
		wrong = "is a function, which nobody calls"
	case len(head.Ref()) > 1:
		wrong = "has a key or a part below it, which nobody asks"
	case isSet(r) || head.Value == nil:
		return nil
	case isScalar(head.Value.Value):
		wrong = "is " + ast.ValueName(head.Value.Value) + ", not a set of messages"
	default:
		return nil
	}
	return fmt.Errorf("%s: %s %s: write `%s contains msg if`", r.Location, name, wrong, name)
}

func isScalar(value ast.Value) bool {
	switch value.(type) {
	case ast.Null, ast.Boolean, ast.Number, ast.String, ast.Object:
		return true
	}
	return false
}

// checkMisspelt tells of a rule that looks as if it were to be asked, is not, and is of no use to any other.
func checkMisspelt(compiler *ast.Compiler, r *ast.Rule, name string) error {
	if !nearlyAsked.MatchString(name) || len(r.Head.Args) > 0 {
		return nil
	}
	for dependent := range compiler.Graph.Dependents(r) {
		if rule, ok := dependent.(*ast.Rule); ok && !strings.HasPrefix(ruleHeadName(rule), "test_") {
			return nil
		}
	}
	return fmt.Errorf("%s: %s is never asked, and no rule uses it: only deny, violation, warn and names "+
		"like deny_host_path are asked", r.Location, name)
}

// describe fills a rule from the METADATA of its heads, their packages included: the first text that is found,
// and the highest severity. Without METADATA, warn is low and all else is high.
func (u *userRule) describe(annotations *ast.AnnotationSet) error {
	slices.SortFunc(u.heads, func(a, b *ast.Rule) int { return a.Location.Compare(b.Location) })
	var bad []error
	for _, head := range u.heads {
		severity := High
		if strings.HasPrefix(u.name, "warn") {
			severity = Low
		}
		custom := map[string]any{}
		for _, ref := range annotations.Chain(head) {
			if ref.Annotations == nil {
				continue
			}
			u.Title = cmp.Or(u.Title, strings.TrimSpace(ref.Annotations.Title))
			u.Description = cmp.Or(u.Description, strings.TrimSpace(ref.Annotations.Description))
			u.addRelated(ref.Annotations)
			for key, value := range ref.Annotations.Custom {
				if _, nearer := custom[key]; !nearer {
					custom[key] = value
				}
			}
		}
		if err := u.readCustom(custom, severity); err != nil {
			bad = append(bad, fmt.Errorf("%s: METADATA: %w", head.Location, err))
		}
	}
	u.Title = cmp.Or(u.Title, strings.TrimPrefix(u.ID, string(User)+"/"))
	return errors.Join(bad...)
}

func (u *userRule) addRelated(a *ast.Annotations) {
	for _, related := range a.RelatedResources {
		if address := related.Ref.String(); !slices.Contains(u.Related, address) {
			u.Related = append(u.Related, address)
		}
	}
}

// readCustom takes what we know of custom. Users may have keys of their own there.
func (u *userRule) readCustom(custom map[string]any, severity Severity) error {
	written, errSeverity := text(custom, keySeverity)
	if written != "" {
		severity, errSeverity = ruleSeverity(strings.ToLower(written))
	}
	u.Severity = max(u.Severity, severity)
	remediation, errRemediation := text(custom, keyRemediation)
	u.Remediation = cmp.Or(u.Remediation, remediation)
	attack, errAttack := identifiers(custom, keyAttack, technique)
	mitigations, errMitigations := identifiers(custom, keyMitigations, mitigation)
	u.Attack, u.Mitigations = union(u.Attack, attack), union(u.Mitigations, mitigations)
	return errors.Join(errSeverity, errRemediation, errAttack, errMitigations)
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
