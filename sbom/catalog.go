package sbom

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/anchore/syft/syft"
	"github.com/anchore/syft/syft/cataloging"
	syftsbom "github.com/anchore/syft/syft/sbom"
	_ "modernc.org/sqlite" // the driver that syft reads the databases of rpm and nix with
)

// toolName is what SBOMs say made them.
const toolName = "tidewaiter"

// catalog lets syft find the packages, with the cataloguers that its command takes for images. What nobody
// judges is left out: CPEs, digests of all files.
//
// It ends with ctx even if a cataloguer does not: then no more files can be opened, which ends that one sooner
// or later. Syft itself is not told of ctx, as it does not wait for its cataloguers when it is cancelled.
func catalog(ctx context.Context, src *imageSource) (*syftsbom.SBOM, error) {
	config := syft.DefaultCreateSBOMConfig().
		WithTool(toolName, version()).
		WithoutFiles().
		WithDataGenerationConfig(cataloging.DefaultDataGenerationConfig().WithGenerateCPEs(false))
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
		texts, err := licenseTexts()
		if err != nil {
			done <- result{nil, err}
			return
		}
		bom, err := syft.CreateSBOM(withValues{context.WithoutCancel(ctx), texts}, src, config)
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

// licenseTexts is a context that holds syft's scanner of licence texts. Making one takes over a second of
// processor time; syft would make one for every image.
var licenseTexts = sync.OnceValues(func() (context.Context, error) {
	return syft.SetContextLicenseScanner(context.Background(), cataloging.DefaultLicenseConfig())
})

// withValues is a context that has the values of another one, too.
type withValues struct {
	context.Context
	values context.Context
}

// Value looks in the other context for what its own does not have.
func (c withValues) Value(key any) any {
	if v := c.Context.Value(key); v != nil {
		return v
	}
	return c.values.Value(key)
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
