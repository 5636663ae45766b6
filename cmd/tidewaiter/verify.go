package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/signature"
)

// verifiedAtOnce is how many images are verified at the same time: most of it is waiting for registries.
const verifiedAtOnce = 8

func newVerify(a *app) *cobra.Command {
	var (
		o      options
		who    authorityFlags
		format string
	)
	cmd := &cobra.Command{
		Use:   "verify IMAGE...",
		Short: "Say who signed images, and whether that is enough",
		Long: `Say which keys and identities vouch for images, which signatures and attestations were
rejected and why, and whether the trust policy of the configuration holds. Where it does
not, the policy is shown that would accept what was found.

With --key, or with an issuer and a subject, that one authority is asked instead of the
configuration; with --certificate-roots, the certificates are of an authority of your own.
Of several images, one that is denied decides, and then one that is undecided.`,
		Example: `  tidewaiter verify registry.example/shop/web:1.4
  tidewaiter verify --key cosign.pub registry.example/shop/web:1.4
  tidewaiter verify --issuer https://token.actions.githubusercontent.com \
    --subject https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main IMAGE
  tidewaiter verify --certificate-roots ca.pem --subject release@shop.example IMAGE`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return configError{fmt.Errorf("--format %s: use text or json", format)}
			}
			return a.verify(cmd.Context(), o, who, args, format)
		},
	}
	o.registerConfig(cmd)
	o.registerImages(cmd)
	who.register(cmd)
	cmd.Flags().StringVar(&format, "format", "text", "`FORMAT` of the output: text, or json: one object an image")
	return cmd
}

// authorityFlags are the one authority that the command line may name.
type authorityFlags struct {
	key   string
	roots string
	names signature.Keyless
}

func (w *authorityFlags) register(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&w.key, "key", "", "`KEY` that signed: a file with a public key in PEM, or the reference of a key management service")
	f.StringVar(&w.names.Issuer, "issuer", "", "`URL` of the OpenID provider that a keyless signer logged in to")
	f.StringVar(&w.names.IssuerPattern, "issuer-pattern", "", "`REGEXP` of that, which must match the whole of it")
	f.StringVar(&w.names.Subject, "subject", "", "`IDENTITY` of the signer in the certificate")
	f.StringVar(&w.names.SubjectPattern, "subject-pattern", "", "`REGEXP` of that, which must match the whole of it")
	f.StringVar(&w.roots, "certificate-roots", "", "PEM `FILE` with the root certificates of your own authority")
}

// authority is what the flags name; given tells whether they name any.
func (w authorityFlags) authority() (out signature.Authority, given bool) {
	out.Key = w.key
	n := w.names
	switch {
	case w.roots != "":
		out.Certificate = &signature.Certificate{
			Roots: w.roots, Issuer: n.Issuer, IssuerPattern: n.IssuerPattern, Subject: n.Subject, SubjectPattern: n.SubjectPattern,
		}
	case n != (signature.Keyless{}):
		out.Keyless = &n
	}
	return out, out != (signature.Authority{})
}

// flagNames are the flags by the last key of what a policy calls them.
var flagNames = map[string]string{
	"key": "--key", "roots": "--certificate-roots", "issuerPattern": "--issuer-pattern", "subjectPattern": "--subject-pattern",
	"keyless": "--issuer, --subject", "certificate": "--certificate-roots",
}

// explainFlags words the problems of an authority of the command line as such.
func explainFlags(err error) error {
	var policy *signature.PolicyError
	if !errors.As(err, &policy) {
		return err
	}
	var out []error
	for _, p := range policy.Problems {
		last, _ := p.Path[len(p.Path)-1].(string)
		out = append(out, fmt.Errorf("%s: %s", cmp.Or(flagNames[last], "command line"), p.Message))
	}
	return configError{errors.Join(out...)}
}

// verified is what is said of one image.
type verified struct {
	Image   string       `json:"image"`
	Verdict gate.Verdict `json:"verdict"`
	// Error says why the verdict is undecided.
	Error string `json:"error,omitempty"`
	signature.Result
	// Suggestion is there if the policy does not hold, or there is none.
	Suggestion *signature.Suggestion `json:"suggestion,omitempty"`
}

// verify asks who vouches for each image, and prints what was found out in the order of the arguments, each as
// soon as it is known.
func (a *app) verify(ctx context.Context, o options, who authorityFlags, refs []string, format string) error {
	c, err := o.loadConfig()
	if err != nil {
		return err
	}
	authority, given := who.authority()
	if given {
		c = c.WithTrust(signature.Entry{Images: []string{"**"}, Authorities: []signature.Authority{authority}})
	}
	client, verifier, err := a.clients(o, c)
	switch {
	case err != nil && given:
		return explainFlags(err)
	case err != nil:
		return err
	}
	limits := c.Limits
	results := verifyAll(refs, func(ref string) verified {
		ctx, cancel := context.WithTimeoutCause(ctx, limits.ImageTimeout(),
			fmt.Errorf("not finished after %v (limits.imageTime)", limits.ImageTimeout()))
		defer cancel()
		return verifyOne(ctx, client, verifier, ref)
	})
	var verdicts []gate.Verdict
	for i, result := range results {
		r := <-result
		verdicts = append(verdicts, r.Verdict)
		if err := a.printVerified(r, format, i); err != nil {
			return undecidedError{err}
		}
		if r.Error != "" {
			complain(a.stderr, errors.New(named(r)))
		}
	}
	if verdict := gate.Sum(verdicts); verdict != gate.Allow {
		return verdictError(verdict)
	}
	return nil
}

// named is the error of an image with the image's name, which some errors have in them already.
func named(r verified) string {
	if strings.Contains(r.Error, r.Image) {
		return r.Error
	}
	return r.Image + ": " + r.Error
}

// verifyAll verifies several images at a time. What is found out of each comes through the channel at its place.
func verifyAll(refs []string, one func(ref string) verified) []chan verified {
	results := make([]chan verified, len(refs))
	for i := range refs {
		results[i] = make(chan verified, 1)
	}
	go func() {
		var group errgroup.Group
		group.SetLimit(verifiedAtOnce)
		for i, ref := range refs {
			group.Go(func() error {
				results[i] <- one(ref)
				return nil
			})
		}
	}()
	return results
}

// verifyOne resolves an image, asks who vouches for it, and, if that is not enough, what would be.
func verifyOne(ctx context.Context, client *image.Client, verifier *signature.Verifier, ref string) (out verified) {
	out.Image = ref
	out.Entries, out.Signers = []signature.EntryResult{}, []signature.Signer{}
	out.Attestations, out.Rejected = []signature.Attestation{}, []signature.Rejection{}
	defer func() {
		if p := recover(); p != nil {
			out.Verdict, out.Error = gate.Undecided, fmt.Sprintf("internal error, please report it: %v", p)
		}
	}()
	img, err := pull(ctx, client.Resolve, ref)
	if err == nil {
		var result signature.Result
		if result, err = verifier.Verify(ctx, img); err == nil {
			out.Result = result
		}
	}
	if cause := context.Cause(ctx); cause != nil && err != nil {
		err = cause
	}
	if err != nil {
		out.Error = err.Error()
		return out
	}
	if out.Verdict, err = enough(out.Result); err != nil {
		out.Error = err.Error()
	}
	if out.Verdict != gate.Allow {
		suggestion, err := verifier.Suggest(ctx, img)
		if err != nil {
			suggestion = signature.Suggestion{Notes: []string{err.Error()}}
		}
		out.Suggestion = &suggestion
	}
	return out
}

// enough allows if every entry of the policy that matches the image holds, and there is one.
func enough(r signature.Result) (gate.Verdict, error) {
	if !r.Configured {
		return gate.Undecided, errors.New("no trust policy: give --key, or --issuer and --subject, or a configuration with trust")
	}
	if len(r.Entries) == 0 {
		return gate.Undecided, errors.New("no entry of the trust policy matches this image")
	}
	for _, entry := range r.Entries {
		if !entry.Held {
			return gate.Deny, nil
		}
	}
	return gate.Allow, nil
}
