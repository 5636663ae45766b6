package sbom

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/cataloging"
	syftsbom "github.com/anchore/syft/syft/sbom"
	_ "modernc.org/sqlite" // the driver that syft reads the databases of rpm and nix with
)

// toolName is what SBOMs say made them.
const toolName = "tidewaiter"

// catalogConfig takes the cataloguers that syft's command takes for images. What nobody judges is left out: CPEs,
// digests of all files, which package has which files.
func catalogConfig() *syft.CreateSBOMConfig {
	return syft.DefaultCreateSBOMConfig().
		WithTool(toolName, version()).
		WithoutFiles().
		WithRelationshipsConfig(cataloging.DefaultRelationshipsConfig().WithPackageFileOwnership(false)).
		WithDataGenerationConfig(cataloging.DefaultDataGenerationConfig().WithGenerateCPEs(false))
}

// catalog lets syft find the packages.
//
// It ends with ctx even if a cataloguer does not: then no more files can be opened, which ends that one sooner
// or later. Syft itself is not told of ctx, as it does not wait for its cataloguers when it is cancelled.
func catalog(ctx context.Context, src *imageSource, config *syft.CreateSBOMConfig) (*syftsbom.SBOM, error) {
	type result struct {
		bom *syftsbom.SBOM
		err error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- result{nil, fmt.Errorf("syft panicked: %v", r)}
			}
		}()
		own, err := withoutLicenseTexts(context.WithoutCancel(ctx))
		if err != nil {
			done <- result{nil, err}
			return
		}
		bom, err := syft.CreateSBOM(own, src, config)
		done <- result{bom, err}
	}()
	select {
	case r := <-done:
		if r.err != nil {
			return nil, fmt.Errorf("syft: %w", r.err)
		}
		return r.bom, panicked(r.bom)
	case <-ctx.Done():
		err := fmt.Errorf("syft was not done in time: %w", context.Cause(ctx))
		src.resolver.stop(err)
		return nil, err
	}
}

// panicked returns an error for the files over which a parser panicked. Syft goes on after that and keeps it
// among the things it does not know.
func panicked(bom *syftsbom.SBOM) error {
	var errs []error
	for at, reasons := range bom.Artifacts.Unknowns {
		for _, reason := range reasons {
			if strings.Contains(reason, "panic") {
				errs = append(errs, fmt.Errorf("syft panicked over %q: %.200q", at.RealPath, reason))
			}
		}
	}
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs[:min(len(errs), 3)]...)
}

// version is that of the module that this package is of.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	return info.Main.Version
}
