package gate_test

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
)

// K8S-17: what a security context means is what Kubernetes' own library says that it means.
//
// podSecurityRules are the rules that together say what the Pod Security Standards say: what "baseline" forbids
// with a severity of high or more, what only "restricted" forbids with medium.
var podSecurityRules = map[string]bool{
	"kubernetes/apparmor":             true,
	"kubernetes/capabilities":         true,
	"kubernetes/drop-capabilities":    true,
	"kubernetes/host-namespaces":      true,
	"kubernetes/host-path":            true,
	"kubernetes/host-port":            true,
	"kubernetes/host-probes":          true,
	"kubernetes/host-process":         true,
	"kubernetes/privilege-escalation": true,
	"kubernetes/privileged":           true,
	"kubernetes/proc-mount":           true,
	"kubernetes/run-as-root":          true,
	"kubernetes/seccomp":              true,
	"kubernetes/selinux":              true,
	"kubernetes/sysctls":              true,
	"kubernetes/volume-types":         true,
}

// levels are the standards, each with the least severity of what it forbids.
var levels = map[api.Level]policies.Severity{api.LevelBaseline: policies.High, api.LevelRestricted: policies.Medium}

// TestPodSecurityFixtures compares our rules with the fixtures of Kubernetes' own implementation, as of the
// newest version that the module knows.
func TestPodSecurityFixtures(t *testing.T) {
	engine := newEngine(t)
	for level, severity := range levels {
		for _, verdict := range []string{"pass", "fail"} {
			pattern := filepath.Join(moduleFolder(t, "k8s.io/pod-security-admission"), "test", "testdata", string(level), "v1.35", verdict, "*.yaml")
			files, err := filepath.Glob(pattern)
			if err != nil || len(files) == 0 {
				t.Fatalf("%s: no fixtures: %v", pattern, err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				found := podSecurityFindings(t, engine, text, severity)
				if got, want := len(found) > 0, verdict == "fail"; got != want {
					t.Errorf("%s/%s/%s: got %q, want a finding: %t", level, verdict, filepath.Base(file), found, want)
				}
			}
		}
	}
}

// FuzzPodSecurity compares our rules with Kubernetes' own implementation on pods that are put together at random
// from values that matter.
func FuzzPodSecurity(f *testing.F) {
	engine := newEngine(f)
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		f.Fatal(err)
	}
	for seed := range uint64(150) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed uint64) {
		text, err := json.Marshal(randomPod(rand.New(rand.NewPCG(seed, seed))))
		if err != nil {
			t.Fatal(err)
		}
		var pod corev1.Pod
		if err := json.Unmarshal(text, &pod); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		for level, severity := range levels {
			version := api.LevelVersion{Level: level, Version: api.LatestVersion()}
			want := policy.AggregateCheckResults(evaluator.EvaluatePod(version, &pod.ObjectMeta, &pod.Spec))
			found := podSecurityFindings(t, engine, text, severity)
			if (len(found) == 0) != want.Allowed {
				t.Errorf("%s: got %q, want %q of\n%s", level, found, want.ForbiddenDetail(), text)
			}
		}
	})
}

// podSecurityFindings are the findings of the Pod Security rules on the one object of a manifest.
func podSecurityFindings(t *testing.T, engine *policies.Engine, text []byte, least policies.Severity) []string {
	t.Helper()
	objects, problems := manifests.Decode("pod.yaml", text, manifests.Limits{})
	if len(objects) != 1 || len(problems) != 0 {
		t.Fatalf("%d objects, %v in %s", len(objects), problems, text)
	}
	findings, err := engine.Judge(context.Background(), policies.Kubernetes, gate.KubernetesEvidenceOf(objects[0], objects[0].Pods()))
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	var found []string
	for _, f := range findings {
		if podSecurityRules[f.Rule] && f.Severity >= least {
			found = append(found, f.Message)
		}
	}
	return found
}

// moduleFolder is where the go command keeps the source of a module.
func moduleFolder(t *testing.T, module string) string {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil || len(strings.TrimSpace(string(out))) == 0 {
		t.Fatalf("go list -m %s: %q, %v", module, out, err)
	}
	return strings.TrimSpace(string(out))
}

// object is what JSON makes of a map.
type object = map[string]any

// randomPod is a pod that the API server would take, or nearly. Most of its fields are as "restricted" wants
// them, so that each of the others decides alone often enough.
func randomPod(r *rand.Rand) object {
	spec := object{}
	maybe(r, spec, "hostNetwork", 20, true, false)
	maybe(r, spec, "hostPID", 20, true, false)
	maybe(r, spec, "hostIPC", 20, true, false)
	maybe(r, spec, "hostUsers", 3, true, false, nil)
	linux := r.IntN(8) > 0
	if !linux {
		spec["os"] = object{"name": "windows"}
	}
	spec["securityContext"] = randomContext(r, true, linux)
	maybe(r, spec, "volumes", 3, []any{randomVolume(r)}, []any{randomVolume(r), randomVolume(r)}, []any{}, nil)
	for _, list := range []string{"containers", "initContainers", "ephemeralContainers"} {
		if list == "containers" || r.IntN(3) == 0 {
			spec[list] = []any{randomContainer(r, list, linux)}
		}
	}
	metadata := object{"name": "web"}
	maybe(r, metadata, "annotations", 4,
		object{"container.apparmor.security.beta.kubernetes.io/containers": "unconfined"},
		object{"container.apparmor.security.beta.kubernetes.io/containers": "runtime/default", "a": "b"},
		object{"container.apparmor.security.beta.kubernetes.io/x": "localhost/"},
		object{"container.apparmor.security.beta.kubernetes.io/x": ""},
		object{"seccomp.security.alpha.kubernetes.io/pod": "unconfined"})
	return object{"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
}

func randomContainer(r *rand.Rand, name string, linux bool) object {
	c := object{"name": strings.ToLower(name), "image": "registry.example/web:1"}
	if r.IntN(12) > 0 {
		c["securityContext"] = randomContext(r, false, linux)
	}
	maybe(r, c, "ports", 5, []any{object{"containerPort": 80, "hostPort": 0}}, []any{object{"containerPort": 80}, object{"containerPort": 81, "hostPort": 81}})
	handlers := []any{
		object{"httpGet": object{"port": 80, "host": "127.0.0.1"}}, object{"httpGet": object{"port": 80}},
		object{"tcpSocket": object{"port": 80, "host": ""}}, object{"tcpSocket": object{"port": 80, "host": "db"}},
	}
	maybe(r, c, "livenessProbe", 10, handlers...)
	maybe(r, c, "startupProbe", 10, handlers...)
	lifecycle := object{}
	maybe(r, lifecycle, "postStart", 2, handlers...)
	maybe(r, lifecycle, "preStop", 2, handlers...)
	maybe(r, c, "lifecycle", 10, lifecycle)
	return c
}

// randomContext is the securityContext of a pod or of a container. The API server refuses seccomp
// profiles and capabilities for Windows, and Kubernetes' own checks contradict each other on them.
func randomContext(r *rand.Rand, ofPod, linux bool) object {
	c := object{}
	maybe(r, c, "runAsNonRoot", 2, true, true, true, false, nil)
	maybe(r, c, "runAsUser", 5, 0, 1000, nil)
	profiles := []any{object{"type": "RuntimeDefault"}, object{"type": "RuntimeDefault"}, object{"type": "Localhost"}, object{"type": "Unconfined"}, object{}, nil}
	if linux {
		maybe(r, c, "seccompProfile", 2, profiles...)
	}
	maybe(r, c, "appArmorProfile", 6, profiles...)
	maybe(r, c, "seLinuxOptions", 8, object{"type": "container_t"}, object{"type": "spc_t"}, object{"level": "s0"}, object{"user": "u"}, object{"role": ""}, object{"role": "r"})
	maybe(r, c, "windowsOptions", 15, object{"hostProcess": true}, object{"hostProcess": false}, object{})
	if ofPod {
		maybe(r, c, "sysctls", 8, []any{object{"name": "net.ipv4.tcp_rmem", "value": "1"}}, []any{object{"name": "kernel.msgmax", "value": "1"}}, []any{})
		return c
	}
	if r.IntN(8) > 0 {
		c["allowPrivilegeEscalation"] = false
	} else {
		maybe(r, c, "allowPrivilegeEscalation", 2, true, nil)
	}
	capabilities := object{"drop": []any{"ALL"}}
	maybe(r, capabilities, "drop", 8, []any{"NET_RAW", "ALL"}, []any{"all"}, []any{}, nil)
	maybe(r, capabilities, "add", 5, []any{"NET_BIND_SERVICE"}, []any{"CHOWN"}, []any{"chown"}, []any{"SYS_ADMIN"}, []any{"CAP_CHOWN"}, []any{})
	if linux && r.IntN(12) > 0 {
		c["capabilities"] = capabilities
	}
	maybe(r, c, "privileged", 10, true, false, nil)
	maybe(r, c, "procMount", 10, "Default", "Unmasked", nil)
	return c
}

func randomVolume(r *rand.Rand) object {
	v := object{"name": "data"}
	types := []string{
		"emptyDir", "configMap", "secret", "projected", "downwardAPI", "csi", "ephemeral", "persistentVolumeClaim",
		"image", "hostPath", "nfs", "gitRepo", "azureFile",
	}
	v[types[r.IntN(len(types))]] = object{}
	return v
}

// maybe sets a field to one of some values, once in n times.
func maybe(r *rand.Rand, o object, field string, n int, values ...any) {
	if r.IntN(n) == 0 {
		o[field] = values[r.IntN(len(values))]
	}
}
