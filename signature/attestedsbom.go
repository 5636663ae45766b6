package signature

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/CycloneDX/cyclonedx-go"
	spdxjson "github.com/spdx/tools-golang/json"
)

// maxURI bounds the text of a URI or package URL that a report shows, in bytes.
const maxURI = 1024

// readSPDX reads an SPDX document: an object, or the text of one, which is how cosign attests --type spdx.
func readSPDX(predicate json.RawMessage, plain any) (*AttestedSBOM, error) {
	if text, ok := plain.(string); ok {
		predicate = json.RawMessage(text)
		var document map[string]any
		if err := decode(predicate, &document); err != nil {
			return nil, fmt.Errorf("it is text, but not of an SPDX document in JSON (cosign attest --type spdxjson): %w", err)
		}
	}
	document, err := spdxjson.Read(bytes.NewReader(predicate))
	if err != nil {
		return nil, err
	}
	out := &AttestedSBOM{Format: "spdx", Packages: []AttestedPackage{}}
	for _, p := range document.Packages {
		if p == nil {
			return nil, errors.New("a package of it is null")
		}
		purl := ""
		for _, r := range p.PackageExternalReferences {
			if r != nil && r.RefType == "purl" {
				purl = r.Locator
				break
			}
		}
		out.add(p.PackageName, p.PackageVersion, purl)
	}
	return out, nil
}

// readCycloneDX reads a CycloneDX document with all its components, nested ones too.
func readCycloneDX(predicate json.RawMessage) (*AttestedSBOM, error) {
	var bom cyclonedx.BOM
	if err := cyclonedx.NewBOMDecoder(bytes.NewReader(predicate), cyclonedx.BOMFileFormatJSON).Decode(&bom); err != nil {
		return nil, err
	}
	if bom.BOMFormat != cyclonedx.BOMFormat {
		return nil, fmt.Errorf("its bomFormat is %s, not %s", quote(bom.BOMFormat), cyclonedx.BOMFormat)
	}
	out := &AttestedSBOM{Format: "cyclonedx", Packages: []AttestedPackage{}}
	if bom.Metadata != nil && bom.Metadata.Component != nil {
		out.components(&[]cyclonedx.Component{*bom.Metadata.Component})
	}
	out.components(bom.Components)
	return out, nil
}

func (s *AttestedSBOM) components(list *[]cyclonedx.Component) {
	if list == nil {
		return
	}
	for _, c := range *list {
		s.add(c.Name, c.Version, c.PackageURL)
		s.components(c.Components)
	}
}

func (s *AttestedSBOM) add(name, version, purl string) {
	s.Packages = append(s.Packages, AttestedPackage{clip(name, maxName), clip(version, maxName), clip(purl, maxURI)})
}
