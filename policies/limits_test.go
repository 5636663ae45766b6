package policies

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
)

// endless is the body of a rule that compares everything with everything, and finds nothing.
const endless = `deny contains {"msg": "no", "path": []} if {
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a + b < 0
}
`

func newTestEngine(t *testing.T, rules fstest.MapFS, opts Options) *Engine {
	t.Helper()
	engine, err := newEngine(context.Background(), rules, opts)
	if err != nil {
		t.Fatal(err)
	}
	return engine
}

// userDir returns a folder with one policy.
func userDir(t *testing.T, policy string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "policy.rego"), []byte(policy), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestTimeLimit(t *testing.T) {
	engine := newTestEngine(t, fstest.MapFS{"kubernetes/slow.rego": rule("slow", endless)}, Options{
		UserDirs: []string{userDir(t, "package main\n\n"+endless)},
		Limits:   Limits{Time: 20 * time.Millisecond},
	})
	_, own := engine.Judge(context.Background(), Kubernetes, map[string]any{})
	_, users := engine.JudgeUser(context.Background(), map[string]any{}, "x.yaml")
	for name, err := range map[string]error{"own": own, "users'": users} {
		if err == nil || !strings.Contains(err.Error(), "longer than 20ms, the limit") {
			t.Errorf("%s rules: got %v, want an error that names the limit", name, err)
		}
	}
}

// TestTimeLimitOfCall lets a rule call what does not look at the clock: a document of nested aliases, with enough
// besides that the decoder does not take it for the attack that it is until it is deep in.
func TestTimeLimitOfCall(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i <= 5; i++ {
		alias := fmt.Sprintf("*a%d, ", i-1)
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.Repeat(alias, 10))
	}
	bomb.WriteString("rest: [" + strings.Repeat("x, ", 100_000) + "]\n")
	dir := userDir(t, "package main\n\ndeny contains \"x\" if yaml.unmarshal(input.text).a0[0] == \"y\"\n")
	engine := newTestEngine(t, fstest.MapFS{}, Options{UserDirs: []string{dir}, Limits: Limits{Time: 5 * time.Millisecond}})
	_, err := engine.JudgeUser(context.Background(), map[string]any{"text": bomb.String()}, "x.yaml")
	if err == nil || !strings.Contains(err.Error(), "longer than 5ms, the limit") {
		t.Errorf("got %v, want an error that names the limit", err)
	}
}

func TestCancel(t *testing.T) {
	engine := newTestEngine(t, fstest.MapFS{"kubernetes/slow.rego": rule("slow", endless)}, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(10*time.Millisecond, cancel)
	if _, err := engine.Judge(ctx, Kubernetes, map[string]any{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want what the caller said: %v", err, context.Canceled)
	}
}

func TestFindingsLimit(t *testing.T) {
	rules := fstest.MapFS{"kubernetes/many.rego": rule("many",
		`deny contains {"msg": sprintf("%d", [n]), "path": []} if some n in numbers.range(1, input.n)`)}
	dir := userDir(t, "package main\n\ndeny contains sprintf(\"%d\", [n]) if some n in numbers.range(1, input.n)\n")
	engine := newTestEngine(t, rules, Options{UserDirs: []string{dir}, Limits: Limits{Findings: 10}})
	for n, want := range map[int]string{10: "", 11: "more than 10 findings in one object, the limit"} {
		own, errOwn := engine.Judge(context.Background(), Kubernetes, map[string]any{"n": n})
		users, errUsers := engine.JudgeUser(context.Background(), map[string]any{"n": n}, "x.yaml")
		for _, err := range []error{errOwn, errUsers} {
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%d findings: got error %v, want %q", n, err, want)
			}
		}
		if want == "" && (len(own) != n || len(users) != n) {
			t.Errorf("got %d and %d findings, want %d each", len(own), len(users), n)
		}
	}
}

// TestFindingsLimitOfSets: what is too much for one object is not for a thousand.
func TestFindingsLimitOfSets(t *testing.T) {
	rules := fstest.MapFS{"set/many.rego": ruleOf("set", "many",
		`deny contains {"msg": sprintf("%d", [n]), "path": [], "object": n % input.objects} if some n in numbers.range(0, 19)`)}
	engine := newTestEngine(t, rules, Options{Limits: Limits{Findings: 10}})
	if findings, err := engine.Judge(context.Background(), Set, map[string]any{"objects": 2}); err != nil || len(findings) != 20 {
		t.Errorf("ten findings of each of two objects: got %d, %v", len(findings), err)
	}
	if _, err := engine.Judge(context.Background(), Set, map[string]any{"objects": 1}); err == nil || !strings.Contains(err.Error(), "more than 10 findings in one object") {
		t.Errorf("twenty findings of one object: got %v", err)
	}
}

// TestPanic compares a number that OPA panics over.
func TestPanic(t *testing.T) {
	body := `deny contains {"msg": "no", "path": []} if to_number("1e10000000") > to_number(input.text)`
	engine := newTestEngine(t, fstest.MapFS{"kubernetes/x.rego": rule("x", body)}, Options{})
	findings, err := engine.Judge(context.Background(), Kubernetes, map[string]any{"text": "2e1"})
	if err == nil {
		t.Errorf("got %v, want an error", findings)
	}
}

// TestPanicOfReading has OPA panic where the findings are read.
func TestPanicOfReading(t *testing.T) {
	engine := newTestEngine(t, fstest.MapFS{"kubernetes/x.rego": rule("x", "deny contains {} if false")}, Options{})
	q, err := engine.sets[Kubernetes].prepare(about{})
	if err != nil {
		t.Fatal(err)
	}
	read := func(ast.Value) ([]Finding, error) { panic("illegal value") }
	_, err = question{q.prepared, ast.NullValue, read}.answer(context.Background(), time.Minute)
	if err == nil || !strings.Contains(err.Error(), "panic: illegal value") {
		t.Errorf("got error %v, want one that tells of the panic", err)
	}
}

// TestNothingToJudge gives what no rule can find anything in.
func TestNothingToJudge(t *testing.T) {
	engine := newTestEngine(t, fstest.MapFS{}, Options{UserDirs: []string{userDir(t, "package main\n\ndeny contains \"x\" if input.a\n")}})
	for _, evidence := range []any{nil, map[string]any(nil), []any{}, "text", (*deployment)(nil)} {
		if _, err := engine.Judge(context.Background(), Kubernetes, evidence); err == nil {
			t.Errorf("%#v: got no error of our own rules", evidence)
		}
		if _, err := engine.JudgeUser(context.Background(), evidence, "x.yaml"); err == nil {
			t.Errorf("%#v: got no error of users' rules", evidence)
		}
	}
}

func TestNumberTooLong(t *testing.T) {
	engine := newTestEngine(t, fstest.MapFS{}, Options{})
	for _, n := range []string{"1e10000000", "-1E-10000000", "1." + strings.Repeat("0", 2000)} {
		if _, err := engine.Judge(context.Background(), Kubernetes, map[string]any{"n": json.Number(n)}); err == nil {
			t.Errorf("%.20s: got no error", n)
		}
	}
}

func TestUnknownKind(t *testing.T) {
	engine := newTestEngine(t, fstest.MapFS{}, Options{})
	if _, err := engine.Judge(context.Background(), "docker", nil); err == nil {
		t.Error("got no error for a kind that there is not")
	}
}

// TestConcurrentJudgement lets many judge at once, from the first use on, and wants the same from all of them.
func TestConcurrentJudgement(t *testing.T) {
	engine, err := New(context.Background(), Options{UserDirs: []string{userDir(t,
		"package main\n\ndeny contains sprintf(\"%s %s\", [input.kind, data.conftest.file.name]) if true\n")}})
	if err != nil {
		t.Fatal(err)
	}
	engine.Prepare(Kubernetes, "docker")
	evidence := deployment{Kind: Kubernetes, Object: map[string]any{"kind": "Pod"}, Pods: privileged(20)}
	judge := func() []Finding {
		own, err := engine.Judge(context.Background(), Kubernetes, evidence)
		if err != nil {
			t.Error(err)
		}
		users, err := engine.JudgeUser(context.Background(), evidence.Object, "k8s/pod.yaml")
		if err != nil {
			t.Error(err)
		}
		return append(own, users...)
	}
	got := make([][]Finding, 16)
	var judging sync.WaitGroup
	for i := range got {
		judging.Go(func() { got[i] = judge() })
	}
	judging.Wait()
	if len(got[0]) < 20 {
		t.Errorf("got %d findings on 20 privileged containers", len(got[0]))
	}
	for i := range got {
		if !reflect.DeepEqual(got[i], got[0]) {
			t.Errorf("judgement %d differs:\ngot:  %+v\nwant: %+v", i, got[i], got[0])
		}
	}
}

// privileged returns the evidence of a pod with n privileged containers.
func privileged(n int) []benchPod {
	pod := benchPod{Path: []any{}, SpecPath: []any{"spec"}, Metadata: map[string]any{}, Spec: map[string]any{}, Images: []benchImage{}}
	for i := range n {
		pod.Containers = append(pod.Containers, benchContainer{
			Name: "web", Type: "container", Path: []any{"spec", "containers", i}, Runs: []any{},
			Spec: map[string]any{"name": "web", "securityContext": map[string]any{"privileged": true}},
		})
	}
	return []benchPod{pod}
}

func TestDigest(t *testing.T) {
	rules := fstest.MapFS{"kubernetes/x.rego": rule("x", endless)}
	dir := userDir(t, "package main\n\ndeny contains \"x\" if true\n")
	digest := func(rules fstest.MapFS, opts Options) string { return newTestEngine(t, rules, opts).Digest() }
	base := digest(rules, Options{})
	if again := digest(rules, Options{}); again != base || !strings.HasPrefix(base, "sha256:") || len(base) != len("sha256:")+64 {
		t.Errorf("got %s and then %s, want the same SHA-256", base, again)
	}
	user := digest(rules, Options{UserDirs: []string{dir}})
	if again := digest(rules, Options{UserDirs: []string{userDir(t, "package main\n\ndeny contains \"x\" if true\n")}}); again != user {
		t.Errorf("got %s and %s for the same rules in two places", user, again)
	}
	if err := os.WriteFile(filepath.Join(dir, "data.json"), []byte(`{"a": 1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := map[string]string{base: "base", user: "a user's rule"}
	for name, got := range map[string]string{
		"another text":  digest(fstest.MapFS{"kubernetes/x.rego": rule("x", endless+"\n")}, Options{}),
		"another name":  digest(fstest.MapFS{"kubernetes/y.rego": rule("y", endless)}, Options{}),
		"a severity":    digest(rules, Options{Severities: map[string]Severity{"kubernetes/x": Low}}),
		"a user's data": digest(rules, Options{UserDirs: []string{dir}}),
	} {
		if other := seen[got]; other != "" {
			t.Errorf("%s and %s have the same digest", name, other)
		}
		seen[got] = name
	}
}
