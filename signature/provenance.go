package signature

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
)

// resource is a thing that went into a build: SLSA v0.2's ConfigSource and material, v1's ResourceDescriptor.
type resource struct {
	URI    string            `json:"uri"`
	Digest map[string]string `json:"digest"`
}

// provenance02 is what is read of https://slsa.dev/provenance/v0.2.
type provenance02 struct {
	Builder *struct {
		ID *string `json:"id"`
	} `json:"builder"`
	BuildType  string `json:"buildType"`
	Invocation struct {
		ConfigSource resource `json:"configSource"`
	} `json:"invocation"`
	Materials []resource `json:"materials"`
}

// provenance1 is what is read of https://slsa.dev/provenance/v1.
type provenance1 struct {
	BuildDefinition struct {
		BuildType            string          `json:"buildType"`
		ExternalParameters   json.RawMessage `json:"externalParameters"`
		ResolvedDependencies []resource      `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder *struct {
			ID *string `json:"id"`
		} `json:"builder"`
	} `json:"runDetails"`
}

var errNoBuilder = errors.New("it names no builder and build type")

// readProvenance02 reads provenance whose source is where the build's configuration came from, whatever the
// build type: that is what invocation.configSource means.
func readProvenance02(predicate json.RawMessage) (*Provenance, error) {
	p, err := typed[provenance02](predicate)
	switch {
	case err != nil:
		return nil, err
	case p.Builder == nil || p.Builder.ID == nil || p.BuildType == "":
		return nil, errNoBuilder
	}
	out := &Provenance{Builder: *p.Builder.ID, BuildType: p.BuildType}
	out.setSource(gitSource(p.Invocation.ConfigSource), p.Materials)
	return out, nil
}

func readProvenance1(predicate json.RawMessage) (*Provenance, error) {
	p, err := typed[provenance1](predicate)
	definition := p.BuildDefinition
	switch {
	case err != nil:
		return nil, err
	case p.RunDetails.Builder == nil || p.RunDetails.Builder.ID == nil || definition.BuildType == "":
		return nil, errNoBuilder
	}
	out := &Provenance{Builder: *p.RunDetails.Builder.ID, BuildType: definition.BuildType}
	find := sources[definition.BuildType]
	if find == nil || len(definition.ExternalParameters) == 0 {
		return out, nil
	}
	from, err := find(definition.ExternalParameters, definition.ResolvedDependencies)
	if err != nil {
		return nil, err
	}
	out.setSource(from, definition.ResolvedDependencies)
	return out, nil
}

// sources say where provenance v1 of a build type tells what was built: externalParameters are each build
// type's own, and under another type the same key may be what any user of the builder likes.
var sources = map[string]func(parameters json.RawMessage, dependencies []resource) (source, error){
	"https://actions.github.io/buildtypes/workflow/v1":                                      workflowSource,
	"https://slsa-framework.github.io/github-actions-buildtypes/workflow/v1":                workflowSource,
	"https://slsa.dev/container-based-build/v0.1?draft":                                     namedSource("source"),
	"https://slsa.dev/container-based-build/v0.1":                                           namedSource("source"),
	"https://github.com/slsa-framework/slsa-github-generator/delegator-generic@v0":          firstDependency,
	"https://github.com/slsa-framework/slsa-github-generator/delegator-lowperms-generic@v0": firstDependency,
	"https://cloud.google.com/build/gcb-buildtypes/google-worker/v1":                        cloudBuildSource,
	"https://cloud.google.com/build/gcb-buildtypes/google-builder/v1":                       cloudBuildSource,
	"https://mobyproject.org/buildkit@v1":                                                   namedSource("configSource"),
	"https://github.com/moby/buildkit/blob/master/docs/attestations/slsa-definitions.md":    namedSource("configSource"),
}

// checkout is a repository and what of it, as GitHub's and Google's build types write them.
type checkout struct {
	Repository string `json:"repository"`
	Ref        string `json:"ref"`
}

func (c checkout) source() source {
	s := splitGit(c.Repository)
	if s.ref == "" && s.commit == "" {
		s.setRef(c.Ref)
	}
	return s
}

func workflowSource(parameters json.RawMessage, _ []resource) (source, error) {
	p, err := typed[struct {
		Workflow checkout `json:"workflow"`
	}](parameters)
	return p.Workflow.source(), err
}

// cloudBuildSource reads what was built, which is where the configuration came from unless it is told apart.
func cloudBuildSource(parameters json.RawMessage, _ []resource) (source, error) {
	p, err := typed[struct {
		Config checkout  `json:"buildConfigSource"`
		Build  *checkout `json:"sourceToBuild"`
	}](parameters)
	if p.Build != nil {
		return p.Build.source(), err
	}
	return p.Config.source(), err
}

func namedSource(name string) func(json.RawMessage, []resource) (source, error) {
	return func(parameters json.RawMessage, _ []resource) (source, error) {
		p, err := typed[map[string]json.RawMessage](parameters)
		if err != nil || len(p[name]) == 0 {
			return source{}, err
		}
		from, err := typed[resource](p[name])
		return gitSource(from), err
	}
}

func firstDependency(_ json.RawMessage, dependencies []resource) (source, error) {
	if len(dependencies) == 0 {
		return source{}, nil
	}
	return gitSource(dependencies[0]), nil
}

// source is what of a repository was built.
type source struct {
	repository, ref, commit string
}

// gitSource reads a resource that is a git repository.
func gitSource(r resource) source {
	s := splitGit(r.URI)
	for _, name := range []string{"gitCommit", "sha1"} {
		if commit := r.Digest[name]; commit != "" {
			s.commit = commit
			break
		}
	}
	return s
}

var commitHash = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// splitGit takes a git URI apart: git+https://host/path@ref as SPDX writes it, or https://host/path#ref:folder
// as BuildKit does.
func splitGit(uri string) source {
	uri = strings.TrimPrefix(uri, "git+")
	scheme, rest, found := strings.Cut(uri, "://")
	if !found {
		return source{repository: uri}
	}
	host, path, _ := strings.Cut(rest, "/")
	at := strings.IndexAny(path, "@#")
	if at < 0 {
		return source{repository: uri}
	}
	ref := path[at+1:]
	if path[at] == '#' {
		ref, _, _ = strings.Cut(ref, ":")
	}
	s := source{repository: scheme + "://" + host + "/" + path[:at]}
	s.setRef(ref)
	return s
}

// setRef sets a ref, which may be the name of a commit.
func (s *source) setRef(ref string) {
	if commitHash.MatchString(ref) {
		s.commit = ref
		return
	}
	s.ref = ref
}

// setSource sets the source, unless the dependencies tell of others and not of it. What it does not know of ref
// and commit, those that are the same repository tell; where they do not agree, it is left out.
func (p *Provenance) setSource(from source, dependencies []resource) {
	if from.repository == "" {
		return
	}
	same, others := []source{from}, false
	for _, d := range dependencies {
		s := gitSource(d)
		switch {
		case s.repository == from.repository:
			same = append(same, s)
		case strings.HasPrefix(d.URI, "git+"):
			others = true
		}
	}
	if others && len(same) == 1 {
		return
	}
	p.Source = from.repository
	p.Ref = agreed(same, func(s source) string { return s.ref })
	p.Commit = agreed(same, func(s source) string { return s.commit })
}

// agreed is the one value that is told; empty if there are two.
func agreed(list []source, field func(source) string) string {
	value := ""
	for _, s := range list {
		told := field(s)
		switch {
		case told == "" || told == value:
		case value != "":
			return ""
		default:
			value = told
		}
	}
	return value
}

// clipped is the provenance as reports show it.
func (p *Provenance) clipped() *Provenance {
	return &Provenance{
		Builder: clip(p.Builder, maxURI), BuildType: clip(p.BuildType, maxURI),
		Source: clip(p.Source, maxURI), Ref: clip(p.Ref, maxName), Commit: clip(p.Commit, maxName),
	}
}
