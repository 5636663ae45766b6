package gate

import (
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/manifests"
)

// networkPolicies are the kinds that say who may talk to which pods. Those of plugins select in ways of their own: they
// count as being about every pod of their namespace, or of all if they have none.
var networkPolicies = []string{
	"NetworkPolicy", "AdminNetworkPolicy", "BaselineAdminNetworkPolicy", "ClusterNetworkPolicy", "GlobalNetworkPolicy",
	"CiliumNetworkPolicy", "CiliumClusterwideNetworkPolicy", "StagedNetworkPolicy", "AntreaNetworkPolicy",
}

func (s *set) addPolicies() {
	for _, kind := range networkPolicies {
		for _, i := range s.ofKind[kind] {
			s.addPolicy(i)
		}
	}
}

func (s *set) addPolicy(i int) {
	o := s.objects[i]
	spec, _ := o.Value["spec"].(map[string]any)
	p := PolicyEvidence{Object: i, Label: objectName(o), Namespace: o.Namespace, Spec: spec}
	group, _, _ := strings.Cut(o.APIVersion, "/")
	p.Judged = o.Kind == "NetworkPolicy" && (group == "networking.k8s.io" || group == "extensions")
	for _, space := range s.spaces(o.Namespace, !p.Judged) {
		selected := s.matching.inSpace[space]
		if p.Judged {
			selected = s.matching.find(space, lookup(spec, "podSelector"))
		}
		for _, workload := range selected {
			s.evidence.Workloads[workload].Selected = true
			if p.Judged {
				s.policies[workload] = append(s.policies[workload], p.Label)
			}
		}
		p.Selects += len(selected)
		if s.matching.left -= len(selected); s.matching.left < 0 {
			return
		}
	}
	if n, known := s.namespaces[o.Namespace]; known {
		s.evidence.Namespaces[n].Policies++
	}
	s.evidence.Policies = append(s.evidence.Policies, p)
}

// spaces are the namespaces that an object of one may be about: see find.
func (s *set) spaces(namespace string, all bool) []string {
	if namespace != "" {
		return []string{namespace, ""}
	}
	if len(s.evidence.Namespaces) > 1 && !all {
		return []string{""}
	}
	var names []string
	for _, n := range s.evidence.Namespaces {
		names = append(names, n.Name)
	}
	return names
}

// addServices adds every Service, with the images behind it and the routes before it.
func (s *set) addServices() {
	routes := s.routes()
	for _, i := range s.ofKind["Service"] {
		o := s.objects[i]
		spec, _ := o.Value["spec"].(map[string]any)
		service := ServiceEvidence{
			Object: i, Label: objectName(o), Name: o.Name, Namespace: o.Namespace, Spec: spec, Images: []string{}, Routes: []RouteEvidence{},
		}
		for _, route := range routes[o.Name] {
			if together(s.objects[route.Object].Namespace, o.Namespace) {
				service.Routes = append(service.Routes, route)
			}
		}
		selector, _ := lookup(spec, "selector").(map[string]any)
		if len(selector) > 0 {
			for _, space := range s.spaces(o.Namespace, false) {
				service.Images = append(service.Images, s.imagesOf(s.matching.find(space, map[string]any{"matchLabels": selector}))...)
			}
		}
		s.evidence.Services = append(s.evidence.Services, service)
	}
}

// imagesOf are the images of some workloads, each once.
func (s *set) imagesOf(workloads []int) []string {
	var images []string
	for _, workload := range workloads {
		containers, _ := s.evidence.Workloads[workload].Spec["containers"].([]any)
		for _, container := range containers {
			images = append(images, lookupText(container, "image"))
		}
	}
	slices.Sort(images)
	return slices.Compact(images)
}

// ways are the paths from what leads from outside to Services, by kind, to the names of these. A "*" stands for every
// item of a list.
var ways = []struct {
	kind string
	path manifests.Path
}{
	{"Ingress", manifests.Path{"spec", "rules", "*", "http", "paths", "*", "backend", "service", "name"}},
	{"Ingress", manifests.Path{"spec", "rules", "*", "http", "paths", "*", "backend", "serviceName"}},
	{"Ingress", manifests.Path{"spec", "defaultBackend", "service", "name"}},
	{"Ingress", manifests.Path{"spec", "backend", "serviceName"}},
	{"Route", manifests.Path{"spec", "to", "name"}},
	{"HTTPRoute", manifests.Path{"spec", "rules", "*", "backendRefs", "*", "name"}},
	{"TLSRoute", manifests.Path{"spec", "rules", "*", "backendRefs", "*", "name"}},
	{"IngressRoute", manifests.Path{"spec", "routes", "*", "services", "*", "name"}},
	{"HTTPProxy", manifests.Path{"spec", "routes", "*", "services", "*", "name"}},
	{"VirtualService", manifests.Path{"spec", "http", "*", "route", "*", "destination", "host"}},
}

// routes are all ways in, by the name of the Service that they lead to.
func (s *set) routes() map[string][]RouteEvidence {
	found := map[string][]RouteEvidence{}
	for _, way := range ways {
		for _, i := range s.ofKind[way.kind] {
			each(s.objects[i].Value, way.path, nil, func(name string, at manifests.Path) {
				name, _, _ = strings.Cut(name, ".") // a host may be qualified
				found[name] = append(found[name], RouteEvidence{Object: i, Label: objectName(s.objects[i]), Path: at})
			})
		}
	}
	return found
}

// each calls do for every text that a path with stars leads to.
func each(value any, path, at manifests.Path, do func(text string, at manifests.Path)) {
	if len(path) == 0 {
		if text, ok := value.(string); ok {
			do(text, at)
		}
		return
	}
	if path[0] != "*" {
		each(lookup(value, path[0].(string)), path[1:], append(slices.Clone(at), path[0]), do)
		return
	}
	items, _ := value.([]any)
	for i, item := range items {
		each(item, path[1:], append(slices.Clone(at), i), do)
	}
}
