package gate

import (
	"fmt"
	"slices"

	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
)

// set is the state of putting evidence together.
type set struct {
	objects    []*manifests.Object
	evidence   SetEvidence
	ofKind     map[string][]int          // the objects of a kind, whatever its version
	named      map[objectKey]int         // the first of its name
	namespaces map[string]int            // into evidence.Namespaces
	accounts   map[[2]string][]int       // bindings by the namespace and name of a service account, or by "group" and its name
	grants     map[string][]ExecEvidence // by namespace, or anyNamespace
	matching   matching

	first    []int      // the first workload of each object
	policies [][]string // the NetworkPolicies that select each workload, as reports name them
}

// objectKey finds an object. Namespace is anyNamespace in a second entry that each object has.
type objectKey struct{ kind, namespace, name string }

const anyNamespace = "*"

// putTogether puts the objects of a run together. The error says that there is more to put together than is allowed.
func putTogether(objects []*manifests.Object) (*set, error) {
	s := &set{
		objects: objects, ofKind: map[string][]int{}, named: map[objectKey]int{}, namespaces: map[string]int{},
		accounts: map[[2]string][]int{}, grants: map[string][]ExecEvidence{}, matching: newMatching(), first: make([]int, len(objects)),
	}
	s.evidence = SetEvidence{
		Kind: policies.Set, Workloads: []MemberEvidence{}, Namespaces: []NamespaceEvidence{}, Policies: []PolicyEvidence{},
		Bindings: []BindingEvidence{}, Services: []ServiceEvidence{},
	}
	for i, o := range objects {
		s.ofKind[o.Kind] = append(s.ofKind[o.Kind], i)
		for _, namespace := range []string{o.Namespace, anyNamespace} {
			if key := (objectKey{o.Kind, namespace, o.Name}); !s.knows(key) {
				s.named[key] = i
			}
		}
	}
	s.addBindings()
	s.addGrants()
	for i, o := range objects {
		if s.first[i] = len(s.evidence.Workloads); o.Compose() {
			continue // nothing else of the run is about it
		}
		for _, pod := range o.Pods() {
			s.addWorkload(i, pod)
		}
	}
	s.policies = make([][]string, len(s.evidence.Workloads))
	s.addPolicies()
	s.addServices()
	if s.matching.left < 0 {
		return nil, fmt.Errorf("more than %d pairs of a selector and a workload: split the run", maxMatches)
	}
	return s, nil
}

func (s *set) knows(key objectKey) bool {
	_, known := s.named[key]
	return known
}

// find finds an object by its name. A namespace that is not written is decided when the objects are applied, and then
// the same for all: one without may be meant by one with.
func (s *set) find(kind, namespace, name string) (i int, found bool) {
	tries := []string{namespace, ""}
	if namespace == "" {
		tries = []string{"", anyNamespace}
	}
	for _, try := range tries {
		if i, found = s.named[objectKey{kind, try, name}]; found {
			return i, true
		}
	}
	return 0, false
}

func (s *set) addWorkload(i int, pod manifests.Pod) {
	o := s.objects[i]
	account := lookupText(pod.Spec, "serviceAccountName")
	if account == "" {
		account = lookupText(pod.Spec, "serviceAccount") // the name of the field before
	}
	if account == "" {
		account = "default"
	}
	at := len(s.evidence.Workloads)
	s.evidence.Workloads = append(s.evidence.Workloads, MemberEvidence{
		Object: i, Label: objectName(o), Namespace: o.Namespace, SpecPath: steps(pod.SpecPath), Spec: pod.Spec,
		ServiceAccount: account, Token: s.getsToken(o.Namespace, account, pod.Spec),
		Bindings: s.bindingsOf(o.Namespace, account), Volumes: s.volumesOf(o, pod),
	})
	labels, _ := lookup(pod.Metadata, "labels").(map[string]any)
	s.matching.add(at, o.Namespace, labels)
	n := s.namespace(o.Namespace)
	n.Workloads = append(n.Workloads, at)
}

// namespace returns the evidence on a namespace, to be changed at once.
func (s *set) namespace(name string) *NamespaceEvidence {
	n, known := s.namespaces[name]
	if !known {
		n = len(s.evidence.Namespaces)
		s.namespaces[name] = n
		s.evidence.Namespaces = append(s.evidence.Namespaces, NamespaceEvidence{Name: name, Workloads: []int{}})
	}
	return &s.evidence.Namespaces[n]
}

// getsToken tells that a pod gets a token of its service account: the pod says so, else the account, else it does.
func (s *set) getsToken(namespace, account string, spec map[string]any) bool {
	volumes, _ := spec["volumes"].([]any)
	for _, volume := range volumes {
		sources, _ := lookup(volume, "projected", "sources").([]any)
		if slices.ContainsFunc(sources, func(source any) bool { return lookup(source, "serviceAccountToken") != nil }) {
			return true
		}
	}
	if mounts, said := spec["automountServiceAccountToken"].(bool); said {
		return mounts
	}
	if i, found := s.find("ServiceAccount", namespace, account); found {
		if mounts, said := s.objects[i].Value["automountServiceAccountToken"].(bool); said {
			return mounts
		}
	}
	return true
}

// volumesOf are the claims of a pod with the volumes of the set that they would get.
func (s *set) volumesOf(o *manifests.Object, pod manifests.Pod) []VolumeEvidence {
	found := []VolumeEvidence{}
	add := func(path manifests.Path, namespace, name string, claim any) {
		if i, ok := s.volumeOf(namespace, name, claim); ok {
			spec, _ := s.objects[i].Value["spec"].(map[string]any)
			found = append(found, VolumeEvidence{Path: steps(path), Claim: name, Object: i, Name: s.objects[i].Name, Spec: spec})
		}
	}
	volumes, _ := pod.Spec["volumes"].([]any)
	for i, volume := range volumes {
		name := lookupText(volume, "persistentVolumeClaim", "claimName")
		if claim, ok := s.find("PersistentVolumeClaim", o.Namespace, name); ok && name != "" {
			path := append(slices.Clone(pod.SpecPath), "volumes", i, "persistentVolumeClaim", "claimName")
			add(path, o.Namespace, name, s.objects[claim].Value)
		}
	}
	templates, _ := lookup(o.Value, "spec", "volumeClaimTemplates").([]any)
	for i, template := range templates {
		path := manifests.Path{"spec", "volumeClaimTemplates", i}
		add(path, o.Namespace, lookupText(template, "metadata", "name"), template)
	}
	return found
}

// volumeOf finds the volume that a claim would get: the one that either names, or the first that is free and of the
// same class.
func (s *set) volumeOf(namespace, name string, claim any) (i int, found bool) {
	if wanted := lookupText(claim, "spec", "volumeName"); wanted != "" {
		return s.find("PersistentVolume", "", wanted)
	}
	class, classed := lookup(claim, "spec", "storageClassName").(string)
	for _, i := range s.ofKind["PersistentVolume"] {
		spec := s.objects[i].Value["spec"]
		if s.matching.left--; s.matching.left < 0 {
			return 0, false
		}
		reserved := lookupText(spec, "claimRef", "name")
		switch {
		case reserved != "":
			if reserved == name && together(lookupText(spec, "claimRef", "namespace"), namespace) {
				return i, true
			}
		case classed && lookupText(spec, "storageClassName") == class:
			return i, true
		}
	}
	return 0, false
}

// lookup follows keys from map to map; nil where they lead nowhere.
func lookup(value any, keys ...string) any {
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

// lookupText is lookup of text; empty where there is none.
func lookupText(value any, keys ...string) string {
	text, _ := lookup(value, keys...).(string)
	return text
}

// together tells that two namespaces may be the same: see find.
func together(a, b string) bool { return a == b || a == "" || b == "" }
