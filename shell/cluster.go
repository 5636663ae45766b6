package shell

import (
	"slices"
	"strings"
)

// What is applied to a cluster gets there with the rights of the pod, so a manifest or a chart that is fetched before is
// code that is fetched.

// kubectl is kubectl apply -f, create -f, replace -f and -k.
func (in *interp) kubectl(c *call) effect {
	if in.install(c, c.name()) {
		return effect{}
	}
	p := options{short: "fknlosc", long: "filename kustomize namespace selector output context kubeconfig cluster user server token field-manager from-file from-literal image "}.parse(c.args())
	verb := firstOr(p.args, "")
	if verb == "kustomize" {
		return in.kustomize(c.with(append([]string{c.name()}, p.args...)))
	}
	if !slices.Contains([]string{"apply", "create", "replace"}, verb) || p.has("dry-run") && p.value("dry-run") != "none" {
		return in.stranger(c)
	}
	for _, o := range p.opts {
		switch {
		case o.value == "" || !slices.Contains([]string{"f", "filename", "k", "kustomize"}, o.name):
		case o.value == "-":
			in.appliesText(in.stdin(c))
		case isURL(o.value) || o.name[0] == 'k' && remoteBase(o.value):
			in.appliesURL(c, o.value)
		default:
			text, _ := in.content(c, o.value)
			in.appliesText(text)
		}
	}
	return effect{}
}

// kustomize is kustomize build FOLDER or URL, which prints manifests.
func (in *interp) kustomize(c *call) effect {
	for _, a := range (options{short: "o", long: "output "}).parse(c.args()).args {
		if remoteBase(a) {
			f := in.newFetch(c.name(), a, false)
			in.print(c, in.newHole(hole{spelling: "$(kustomize)", fetch: f, steps: []string{c.name() + " fetches " + in.display(a)}}))
			return effect{}
		}
	}
	in.print(c, in.unknown("$(kustomize)"))
	return effect{}
}

// remoteBase tells whether kustomize takes a name for that of a repository.
func remoteBase(name string) bool {
	return isURL(name) || strings.HasPrefix(name, "github.com/") || strings.HasPrefix(name, "git@") || strings.Contains(name, "://") || strings.Contains(name, "?ref=")
}

// helm is helm install and upgrade, with a chart by its URL or from a repository that an option names.
func (in *interp) helm(c *call) effect {
	if in.install(c, c.name()) {
		return effect{}
	}
	p := options{short: "nf", long: "namespace kube-context kubeconfig values set set-string set-file set-json version repo timeout username password ca-file cert-file key-file description post-renderer "}.parse(c.args())
	verb := firstOr(p.args, "")
	switch {
	case verb != "install" && verb != "upgrade" || p.has("dry-run") && p.value("dry-run") != "none":
		return in.stranger(c)
	case p.value("repo") != "":
		in.appliesURL(c, p.value("repo"))
	}
	for _, a := range p.args[1:] {
		if isURL(a) || strings.HasPrefix(a, "oci://") {
			in.appliesURL(c, a)
			continue
		}
		in.appliesText(in.fileText(in.path(a)))
	}
	return effect{}
}

func (in *interp) appliesURL(c *call, url string) {
	url = in.display(url)
	f := in.newFetch(c.name(), url, false)
	in.applies(&hole{fetch: f, steps: []string{c.name() + " fetches " + url}})
}

// appliesText reports that manifests are applied of which a part was fetched.
func (in *interp) appliesText(text string) {
	if h := in.fetched(text); h != nil && !h.fetch.store {
		in.applies(h)
	}
}

func (in *interp) applies(h *hole) {
	if i := in.report(RuntimeDownload, h.fetch.tool, h.fetch.source, appendStep(h.steps, "it is applied to the cluster"), h.fetch); i >= 0 {
		in.actions[i].Applied = true
	}
}
