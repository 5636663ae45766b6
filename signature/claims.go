package signature

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// github is where repositories stand that are named by owner and name alone.
const github = "https://github.com/"

// claim wants something of what a certificate says of the workflow that signed.
type claim struct {
	name string // as the policy calls it
	want matcher
	of   func(Workflow) string
}

// mismatch says which claim a certificate does not fulfil. Empty if it fulfils all.
func mismatch(claims []claim, w *Workflow) string {
	for _, c := range claims {
		value := ""
		if w != nil {
			value = c.of(*w)
		}
		switch {
		case value == "":
			return fmt.Sprintf("certificate does not say the workflow's %s, which must match %s", c.name, c.want)
		case !c.want.match(value):
			return fmt.Sprintf("certificate's %s %s does not match %s", c.name, quote(value), c.want)
		}
	}
	return ""
}

// workflowOf reads what Fulcio's extensions say of a workflow (Fulcio's docs/oid-info.md). The first ones were
// GitHub's alone and are deprecated: each counts only where its successor is absent. Nil if there are none.
func workflowOf(e certificate.Extensions) *Workflow {
	first := func(value, deprecated string) string {
		if value != "" {
			return value
		}
		return deprecated
	}
	old := ""
	if e.GithubWorkflowRepository != "" {
		old = github + e.GithubWorkflowRepository
	}
	w := Workflow{
		Repository: first(e.SourceRepositoryURI, old),
		Ref:        first(e.SourceRepositoryRef, e.GithubWorkflowRef),
		Commit:     first(e.SourceRepositoryDigest, e.GithubWorkflowSHA),
		Trigger:    first(e.BuildTrigger, e.GithubWorkflowTrigger),
		Runner:     e.RunnerEnvironment,
		Run:        e.RunInvocationURI,
	}
	if w == (Workflow{}) {
		return nil
	}
	return &w
}

// claims compiles what a policy wants of the workflow.
func (c *compiler) claims(path []any, want *Claims) []claim {
	if want == nil {
		return nil
	}
	var out []claim
	add := func(name, exact, pattern string, of func(Workflow) string) {
		if exact != "" || pattern != "" {
			out = append(out, claim{name, c.matcher(path, name, exact, pattern), of})
		}
	}
	add("repository", c.repository(path, want.Repository), want.RepositoryPattern, func(w Workflow) string { return w.Repository })
	add("ref", want.Ref, want.RefPattern, func(w Workflow) string { return w.Ref })
	add("trigger", want.Trigger, want.TriggerPattern, func(w Workflow) string { return w.Trigger })
	add("runner", want.Runner, "", func(w Workflow) string { return w.Runner })
	if *want == (Claims{}) {
		c.problem(path, "are empty: name a repository, ref, trigger or runner, or leave claims out")
	}
	c.wholeAddress(append(path, "repositoryPattern"), want.RepositoryPattern)
	return out
}

// ownerAndName is how GitHub names a repository.
var ownerAndName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$`)

// repository returns the address of a repository, as certificates have it.
func (c *compiler) repository(path []any, name string) string {
	switch {
	case name == "" || strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://"):
		return strings.TrimSuffix(strings.TrimSuffix(name, "/"), ".git")
	case ownerAndName.MatchString(name):
		return github + name
	}
	c.problem(append(path, "repository"), "is %q: write its address (https://gitlab.example/shop/web), or owner/name at GitHub", name)
	return name
}

// wholeAddress refuses a pattern that no address could match.
func (c *compiler) wholeAddress(path []any, pattern string) {
	re, err := regexp.Compile(pattern)
	if err != nil || pattern == "" {
		return // said already, or nothing to say
	}
	if start, _ := re.LiteralPrefix(); !strings.HasPrefix(start, "http") && !strings.HasPrefix("http", start) {
		c.problem(path, "begins with %q, but must match the repository's whole address: write %s…", start, regexp.QuoteMeta(github))
	}
}
