package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/signature"
)

func newVerify(a *app) *cobra.Command {
	var (
		o         options
		authority signature.Authority
		identity  signature.Keyless
		format    string
	)
	cmd := &cobra.Command{
		Use:   "verify IMAGE",
		Short: "Say who signed an image, and whether that is enough",
		Long: `Say which keys and identities vouch for an image, which signatures were rejected and
why, and whether the trust policy of the configuration holds. With --key, or with
--issuer and --subject, that one authority is asked instead of the configuration.`,
		Example: `  tidewaiter verify registry.example/shop/web:1.4
  tidewaiter verify --key cosign.pub registry.example/shop/web:1.4
  tidewaiter verify --issuer https://token.actions.githubusercontent.com \
    --subject https://github.com/shop/web/.github/workflows/release.yml@refs/heads/main IMAGE`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "text" && format != "json" {
				return configError{fmt.Errorf("--format %s: use text or json", format)}
			}
			if identity != (signature.Keyless{}) {
				authority.Keyless = &identity
			}
			return a.verify(cmd, o, authority, args[0], format)
		},
	}
	o.registerConfig(cmd)
	o.registerImages(cmd)
	f := cmd.Flags()
	f.StringVar(&authority.Key, "key", "", "public key in PEM `FILE`")
	f.StringVar(&identity.Issuer, "issuer", "", "`URL` of the OpenID provider that a keyless signer logged in to")
	f.StringVar(&identity.Subject, "subject", "", "`IDENTITY` of a keyless signer")
	f.StringVar(&format, "format", "text", "`FORMAT` of the output: text or json")
	return cmd
}

// verify pulls the image, asks who vouches for it, and prints what was found out.
func (a *app) verify(cmd *cobra.Command, o options, authority signature.Authority, ref, format string) error {
	c, err := o.loadConfig()
	if err != nil {
		return err
	}
	if authority != (signature.Authority{}) {
		// The files of an authority on the command line are relative to the working directory.
		c = c.WithTrust(signature.Entry{Images: []string{"**"}, Authorities: []signature.Authority{authority}})
	}
	client, verifier, err := o.clients(c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), c.Limits.ImageTimeout())
	defer cancel()
	img, err := pull(ctx, client, ref)
	if err != nil {
		return err
	}
	result, err := verifier.Verify(ctx, img)
	if err != nil {
		return undecidedError{err}
	}
	if err := printSignatures(a.stdout, ref, result, format); err != nil {
		return undecidedError{err}
	}
	return enough(result)
}

// enough is nil if every entry of the policy that matches the image holds, and there is one.
func enough(r signature.Result) error {
	if !r.Configured {
		return undecidedError{errors.New("no trust policy: give --key, or --issuer and --subject, or a configuration with trust")}
	}
	if len(r.Entries) == 0 {
		return undecidedError{errors.New("no entry of the trust policy matches this image")}
	}
	for _, entry := range r.Entries {
		if !entry.Held {
			return verdictError(gate.Deny)
		}
	}
	return nil
}

func printSignatures(w io.Writer, ref string, r signature.Result, format string) error {
	if format == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		return encoder.Encode(r)
	}
	fmt.Fprintf(w, "%s\n  digest %s\n", report.Clean(ref), r.Digest)
	for _, s := range r.Signers {
		fmt.Fprintf(w, "  vouched for by %s\n", report.Clean(describe(s)))
	}
	for _, rejected := range r.Rejected {
		fmt.Fprintf(w, "  rejected: %s\n", report.Clean(describeRejection(rejected)))
	}
	for _, entry := range r.Entries {
		state := "holds"
		if !entry.Held {
			state = "does not hold: " + entry.Missing
		}
		fmt.Fprintf(w, "  trust entry %s %s\n", report.Clean(fmt.Sprint(entry.Images)), report.Clean(state))
	}
	if r.Configured && r.Found == 0 {
		fmt.Fprintln(w, "  no signature was found beside it")
	}
	return nil
}

func describe(s signature.Signer) string {
	who := "key " + s.Key
	if s.Kind == "keyless" {
		who = fmt.Sprintf("%s (issuer %s)", s.Subject, s.Issuer)
	}
	who += ", " + s.Layout + " layout"
	if !s.SignedAt.IsZero() {
		who += ", signed " + s.SignedAt.UTC().Format(time.RFC3339)
	}
	if s.LogIndex != nil {
		who += fmt.Sprintf(", log index %d", *s.LogIndex)
	}
	return who
}

func describeRejection(r signature.Rejection) string {
	out := r.Reason
	if r.Subject != "" {
		out += fmt.Sprintf(" (certificate of %s by %s)", r.Subject, r.Issuer)
	}
	return out + " [" + r.Manifest + "]"
}
