package manifests_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/tidewaiter/tidewaiter/manifests"
)

// TestParameters replaces what a parameter may stand for, and leaves alone what is not known.
func TestParameters(t *testing.T) {
	const argo = `
apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: {name: a}
spec:
  templates:
    - name: t
      inputs: {parameters: [{name: a, default: one}, {name: b, value: "<{{inputs.parameters.a}}>"}]}
      steps: [[{name: s, template: t, withItems: [x], arguments: {parameters: [{name: a, value: two}]}}]]
      container: {image: i, command: [ARGS]}
`
	const tekton = `
apiVersion: tekton.dev/v1
kind: Task
metadata: {name: a}
spec:
  params: [{name: a, default: one}, {name: l, default: [x, z]}, {name: o, default: {k: v}}, {name: num, default: 3}]
  steps: [{name: s, image: i, command: [ARGS]}]
`
	for _, test := range []struct{ manifest, args, want string }{
		{argo, `"{{inputs.parameters.a}}"`, "one|two"},
		{argo, `"{{inputs.parameters.b}}"`, "<one>|<two>"},
		{argo, `"{{ workflow.parameters['a'] }} {{item}}"`, "one x|two x"},
		{argo, `"{{inputs.parameters.c}}", "$(params.a)"`, "{{inputs.parameters.c}} $(params.a)"},
		{argo, `"{{pod.name}}"`, "{{pod.name}}"},
		{tekton, `"$(params.a)-$(inputs.params.num)"`, "one-3"},
		{tekton, `"$(params.l[*])", "$(params.l[1])", "$(params.l[2])"`, "x z z $(params.l[2])"},
		{tekton, `"$(params['a'])", "$(params.o.k)", "-$(params.l[*])"`, "one v -$(params.l[*])"},
		{tekton, `"$(params.b)", "{{inputs.parameters.a}}", "$(HOME)"`, "$(params.b) {{inputs.parameters.a}} $(HOME)"},
		{strings.ReplaceAll(tekton, "tekton.dev/v1", "example.com/v1"), `"$(params.a)"`, "$(params.a)"},
	} {
		objects, problems := manifests.Decode("a.yaml", []byte(strings.Replace(test.manifest, "ARGS", test.args, 1)), manifests.Limits{})
		if len(problems) > 0 || len(objects) != 1 {
			t.Fatalf("%s: %d objects, problems %v", test.args, len(objects), problems)
		}
		var got []string
		for _, pod := range objects[0].Pods() {
			for _, c := range pod.Containers {
				for _, run := range c.Runs {
					if args := strings.Join(run.Args, " "); !slices.Contains(got, args) {
						got = append(got, args)
					}
				}
			}
		}
		if strings.Join(got, "|") != test.want {
			t.Errorf("%s: got %q, want %q", test.args, got, test.want)
		}
	}
}
