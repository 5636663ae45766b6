package gate

import (
	"cmp"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/signature"
)

// AttestedSBOMEvidence is an SBOM that somebody attested, and the trust policy asks for, compared with what is in
// a platform of the image.
type AttestedSBOMEvidence struct {
	PredicateType string `json:"predicateType"`
	Format        string `json:"format"`
	// Manifest is the digest of the manifest that carries the attestation.
	Manifest string `json:"manifest"`
	// Listed is how many packages the SBOM lists.
	Listed int `json:"listed"`
	// Compared is how many packages of the platform could be compared with it: by their package URL.
	Compared int `json:"compared"`
	// Unlisted are the package URLs of those that it does not list, the first hundred by name; UnlistedCount is
	// how many there are.
	Unlisted      []string `json:"unlisted"`
	UnlistedCount int      `json:"unlistedCount"`
}

// maxUnlisted is how many unlisted packages the evidence of one SBOM names.
const maxUnlisted = 100

// attestedSBOMs compares a platform with the attested SBOMs that are about it: about its own manifest, or about
// the image.
func attestedSBOMs(img *image.Image, p *image.Platform, signed *signature.Result, bom *sbom.SBOM) []AttestedSBOMEvidence {
	out := []AttestedSBOMEvidence{}
	if signed == nil {
		return out
	}
	for _, a := range signed.Attestations {
		if a.SBOM == nil || a.Subject != p.Digest && a.Subject != img.Digest {
			continue
		}
		compared, unlisted := compareSBOM(bom.Packages, a.SBOM.Packages)
		out = append(out, AttestedSBOMEvidence{
			PredicateType: a.PredicateType, Format: a.SBOM.Format, Manifest: a.Manifest, Listed: len(a.SBOM.Packages),
			Compared: compared, Unlisted: unlisted[:min(len(unlisted), maxUnlisted)], UnlistedCount: len(unlisted),
		})
	}
	return out
}

// compareSBOM counts our packages that can be compared with attested ones, and names those that are not among
// them. A package that either side has no certain version of is compared by its name.
func compareSBOM(ours []sbom.Package, attested []signature.AttestedPackage) (compared int, unlisted []string) {
	versions := map[packageID][]string{}
	for _, a := range attested {
		if id, ok := parsePURL(a.PURL); ok {
			name := packageID{kind: id.kind, name: id.name}
			versions[name] = append(versions[name], id.version)
		}
	}
	unlisted = []string{}
	for _, p := range ours {
		id, ok := parsePURL(p.PURL)
		if !ok || !certain(p, id) {
			continue
		}
		compared++
		known := versions[packageID{kind: id.kind, name: id.name}]
		if len(known) > 0 && (id.version == "" || slices.Contains(known, id.version) || slices.Contains(known, "")) {
			continue
		}
		unlisted = append(unlisted, p.PURL)
	}
	slices.SortFunc(unlisted, func(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return compared, slices.Compact(unlisted)
}

// certain tells that a package is one that any SBOM of the image would list. Left out are what our own
// cataloguers recognise by content, the Go modules of which no version is known, which some leave out, and what
// a package of the distribution has installed: some list that as the distribution's package only.
func certain(p sbom.Package, id packageID) bool {
	switch {
	case p.Type == "binary":
		return false
	case id.kind == "golang":
		return id.version != "" && id.name != "stdlib"
	case slices.Contains([]string{"pypi", "gem", "npm"}, id.kind):
		return !slices.ContainsFunc(p.Paths, ofDistribution)
	}
	return true
}

// distributionFolders are where the packages of distributions put modules of Python, Ruby and Node.js.
var distributionFolders = []string{
	"/usr/lib/python", "/usr/lib64/python", "/usr/lib/ruby/", "/usr/lib64/gems/", "/usr/share/gems/",
	"/usr/share/rubygems-integration/", "/usr/share/nodejs/", "/usr/lib/node_modules/", "/usr/lib/nodejs/",
}

func ofDistribution(path string) bool {
	return slices.ContainsFunc(distributionFolders, func(folder string) bool {
		return strings.HasPrefix("/"+strings.TrimPrefix(path, "/"), folder)
	})
}
