package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/cache"
	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/manifests"
	"github.com/tidewaiter/tidewaiter/policies"
	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/signature"
)

// options are the flags that the judging commands share.
type options struct {
	config    string
	policies  []string
	failOn    string
	platforms []string
	offline   bool
	local     bool   // offline, and no registry either
	strangers bool   // images are named by somebody else than who gives the options
	anew      bool   // registries are asked for signatures even if those that were kept would do
	document  string // as what an SBOM is to be encoded; empty if none is
	plainHTTP []string
	values    []string
	// allowNothing tells that named files which are no manifests are no reason to be undecided.
	allowNothing bool
	helm         manifests.HelmOptions
}

// registerConfig declares the flag of the configuration file.
func (o *options) registerConfig(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.config, "config", "", "configuration `FILE` (default: "+gate.ConfigFile+" in the working directory if it is there)")
}

// registerRules declares the flag of users' own rules.
func (o *options) registerRules(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&o.policies, "policy", nil, "`DIR` of your own rules, in conftest's dialect of Rego; may be repeated")
}

// registerFailOn declares the flag of the severity that denies.
func (o *options) registerFailOn(cmd *cobra.Command) {
	cmd.Flags().StringVar(&o.failOn, "fail-on", "", "deny from this `SEVERITY` on: low, medium, high or critical (default high)")
}

// registerImages declares the flags of how images are read.
func (o *options) registerImages(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.platforms, "platform", nil, "`PLATFORM` of an image to take: all or os/arch[/variant]; may be repeated (default all)")
	f.BoolVar(&o.offline, "offline", false, "open no network connection but to the registry of an image: trust comes from files")
	f.StringArrayVar(&o.plainHTTP, "plain-http", nil, "`HOST` of a registry to speak HTTP without TLS to; may be repeated")
}

// registerHelm declares the flags of how charts are rendered, which are called as Helm's own.
func (o *options) registerHelm(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&o.values, "values", nil, "`FILE` of values for charts; may be repeated")
	f.StringArrayVar(&o.helm.Set, "set", nil, "`KEY=VALUE` to set for charts; may be repeated")
	f.StringArrayVar(&o.helm.SetString, "set-string", nil, "`KEY=TEXT` to set for charts; may be repeated")
	f.StringVar(&o.helm.Release, "release-name", "", "`NAME` of the release that charts see (default release-name)")
	f.StringVar(&o.helm.Namespace, "namespace", "", "`NAMESPACE` that charts see (default default)")
	f.StringVar(&o.helm.KubeVersion, "kube-version", "", "`VERSION` of Kubernetes that charts see (default "+manifests.DefaultKubeVersion+")")
	f.StringArrayVar(&o.helm.APIVersions, "api-versions", nil, "`VERSION` of an API that charts see, with or without a kind; may be repeated")
}

// manifestOptions says how manifests are read.
func (o *options) manifestOptions(c *gate.Config) (manifests.Options, error) {
	for _, name := range o.values {
		data, err := readValues(name)
		if err != nil {
			return manifests.Options{}, configError{fmt.Errorf("--values: %w", err)}
		}
		o.helm.Values = append(o.helm.Values, manifests.HelmFile{Name: name, Data: data})
	}
	program, err := renderProgram()
	if err != nil {
		return manifests.Options{}, undecidedError{err}
	}
	return manifests.Options{Limits: c.Limits.Manifests(), Helm: o.helm, Renderer: program}, nil
}

// maxValues bounds a file of values.
const maxValues = 10 << 20

func readValues(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxValues+1))
	if err == nil && len(data) > maxValues {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxValues)
	}
	return data, err
}

// registerJudging declares the flags of what judges: all of the above.
func (o *options) registerJudging(cmd *cobra.Command) {
	o.registerConfig(cmd)
	o.registerRules(cmd)
	o.registerFailOn(cmd)
	o.registerImages(cmd)
	o.registerHelm(cmd)
	cmd.Flags().BoolVar(&o.allowNothing, "allow-nothing", false, "pass over named files that are no manifests, even if there is nothing else, as a hook that names what has changed needs it")
}

// loadConfig reads the configuration file and puts the flags over it.
func (o *options) loadConfig() (*gate.Config, error) {
	c, err := o.readConfig()
	if err != nil {
		return nil, configError{err}
	}
	if o.failOn != "" {
		if err := c.FailOn.UnmarshalText([]byte(o.failOn)); err != nil || c.FailOn == policies.Off {
			return nil, configError{fmt.Errorf("--fail-on %s: use low, medium, high or critical", o.failOn)}
		}
	}
	if c.FailOn == policies.Unset {
		c.FailOn = policies.High
	}
	if len(o.platforms) > 0 {
		if err := image.CheckPlatforms(o.platforms); err != nil {
			return nil, configError{fmt.Errorf("--platform: %w", err)}
		}
		c.Platforms = o.platforms
	}
	for _, host := range o.plainHTTP {
		if err := c.AllowPlainHTTP(host); err != nil {
			return nil, configError{fmt.Errorf("--plain-http: %w", err)}
		}
	}
	return c, nil
}

func (o *options) readConfig() (*gate.Config, error) {
	if o.config != "" {
		return gate.LoadConfig(o.config)
	}
	if _, err := os.Lstat(gate.ConfigFile); errors.Is(err, fs.ErrNotExist) {
		return &gate.Config{}, nil
	}
	return gate.LoadConfig(gate.ConfigFile)
}

// newEngine loads the rules, as the configuration sets their severities.
func (o *options) newEngine(ctx context.Context) (*policies.Engine, *gate.Config, error) {
	c, err := o.loadConfig()
	if err != nil {
		return nil, nil, err
	}
	severities := map[string]policies.Severity{}
	for id, rule := range c.Rules {
		severities[id] = rule.Severity
	}
	engine, err := policies.New(ctx, policies.Options{
		UserDirs:   o.policies,
		Severities: severities,
		Limits:     policies.Limits{Time: time.Duration(c.Limits.RuleTime), Findings: c.Limits.Findings},
	})
	if err != nil {
		return nil, nil, configError{c.Explain(err)}
	}
	return engine, c, nil
}

// imageClient makes what reads images.
func imageClient(o options, c *gate.Config) *image.Client {
	return &image.Client{
		Keychain:     keychain{c.Registries},
		PlainHTTP:    c.PlainHTTP(),
		TokenHosts:   c.TokenHosts(),
		PrivateHosts: c.PrivateHosts(),
		Platforms:    c.Platforms,
		Offline:      o.offline,
		Local:        o.local,
		Strangers:    o.strangers,
		Limits:       c.Limits.Image(),
		UserAgent:    "tidewaiter/" + programVersion(),
	}
}

// clients makes what reads images and what verifies their signatures. What keeps the cache from working is noted.
func (a *app) clients(o options, c *gate.Config) (*image.Client, *signature.Verifier, error) {
	client := imageClient(o, c)
	dir, err := cacheDir()
	if err != nil {
		dir = "" // which is noted once something would be kept
	}
	proofs := func() *cache.Cache { return a.memory().Cache() }
	if o.anew {
		proofs = nil
	}
	verifier, err := signature.New(c.TrustPolicy(), signature.Options{
		Dir: c.Dir(), TrustedRoot: c.TrustedRoot, TrustedRoots: c.TrustedRoots, Offline: o.offline, CacheDir: dir,
		Cache:    proofs,
		Remember: time.Hour, // longer than a run takes
		Rules:    statementRules(c),
	})
	if err != nil {
		return nil, nil, configError{c.Explain(err)}
	}
	return client, verifier, nil
}

// pull resolves the image that a command is about: one image, and no manifests. What is read of it is up to read:
// image.Client's Pull, or Resolve.
func pull(ctx context.Context, read func(context.Context, image.Reference) (*image.Image, error), ref string) (*image.Image, error) {
	target, err := gate.ParseTarget(ref)
	if err != nil {
		return nil, undecidedError{err}
	}
	if target.Path != "" {
		return nil, undecidedError{fmt.Errorf("%s is no image; write oci:%s if it is an OCI layout", ref, ref)}
	}
	img, err := read(ctx, target.Reference)
	if err != nil {
		return nil, undecidedError{err}
	}
	return img, nil
}

// newGate puts the gate together. It returns the configuration too: what is said of the gate has to be said of the one
// that it was read from, and a file that is read again may be another by then.
func (a *app) newGate(ctx context.Context, o options) (*gate.Gate, *gate.Config, error) {
	engine, c, err := o.newEngine(ctx)
	if err != nil {
		return nil, nil, err
	}
	client, verifier, err := a.clients(o, c)
	if err != nil {
		return nil, nil, err
	}
	reading, err := o.manifestOptions(c)
	if err != nil {
		return nil, nil, err
	}
	return &gate.Gate{
		Rules:        engine,
		FailOn:       c.FailOn,
		Waivers:      c.Waivers,
		ConfigFile:   c.File(),
		ConfigLine:   c.Line,
		Pull:         client.Pull,
		Verify:       verifier.Verify,
		SBOM:         a.scan(o, c.Limits),
		Manifests:    reading,
		ImageTimeout: c.Limits.ImageTimeout(),
		Now:          time.Now,
		Note:         func(line string) { fmt.Fprintf(a.stderr, "tidewaiter: %s\n", report.Clean(line)) },
		Version:      programVersion(),
	}, c, nil
}

// scan reads what is inside a platform, within the limits.
func (a *app) scan(o options, l gate.Limits) func(context.Context, *image.Platform, sbom.Started) (*sbom.SBOM, error) {
	return func(ctx context.Context, p *image.Platform, started sbom.Started) (*sbom.SBOM, error) {
		return sbom.Scan(ctx, p, sbom.Options{
			Name: o.document, Document: o.document != "",
			Layers: l.Image(), Limits: l.SBOM(), Started: started, Memory: a.memory(), Progress: layersTold(ctx),
		})
	}
}

// keychain gives the credentials of the docker configuration, except to registries that shall have none.
type keychain struct {
	registries map[string]gate.RegistryConfig
}

// Resolve implements authn.Keychain.
func (k keychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	host, err := image.ParseHost(r.RegistryStr()) // which calls docker.io index.docker.io
	if err != nil || k.registries[host].Credentials == "none" {
		return authn.Anonymous, nil
	}
	return image.DockerKeychain.Resolve(r)
}
