package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/sbom"
	"github.com/tidewaiter/tidewaiter/server/judge"
	"github.com/tidewaiter/tidewaiter/signature"
)

// judgeCommand is the command by which the server starts this program to judge one image.
const judgeCommand = "judge-for-server"

// newJudge is no command for users: it reads a job and writes what became of it.
func newJudge(a *app) *cobra.Command {
	return &cobra.Command{
		Use:    judgeCommand,
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := judge.Answer(cmd.Context(), a.stdin, a.stdout, a.judgeJob); err != nil {
				return undecidedError{err}
			}
			return nil
		},
	}
}

// judgeJob does a job of the server. Without an image it only says which policy the files make, and whether they are
// any good.
func (a *app) judgeJob(ctx context.Context, job judge.Job, tell *judge.Teller) (gate.Report, error) {
	o := options{
		config: job.Gate.Config, policies: job.Gate.Policies, offline: job.Gate.Offline,
		strangers: true, document: job.Image,
		anew: true, // because something was pushed beside the image, as often as not, or because it is a new day
	}
	g, policy, err := a.gateOfPolicy(ctx, o)
	if err != nil {
		return gate.Report{}, err
	}
	if err := tell.Policy(policy); err != nil || job.Image == "" {
		return gate.Report{Schema: gate.Schema}, err
	}
	if job.Policy != policy {
		return gate.Report{}, errors.New("the configuration, the rules or the files of trust were changed: the server has to read them again")
	}
	ref, err := image.ParseReference(job.Image)
	if err != nil {
		return gate.Report{}, err
	}
	if ref.Transport != image.Registry || ref.Digest == "" || !slices.Contains(job.Hosts, ref.Host) {
		return gate.Report{}, fmt.Errorf("%s is not a digest in a registry that an endpoint may speak for", ref)
	}
	var inside []sbom.Inside
	tellAll(g, tell, &inside)
	r := g.Check(ctx, gate.Input{Targets: []gate.Target{{Image: job.Image, Reference: ref}}})
	if len(inside) > 0 {
		err = tell.SBOM(func(w io.Writer) error { return sbom.EncodeAll(w, inside) })
	}
	return r, err
}

// gateOfPolicy puts the gate together, and tells the fingerprint of all that it judges by.
func (a *app) gateOfPolicy(ctx context.Context, o options) (*gate.Gate, string, error) {
	g, c, err := a.newGate(ctx, o)
	if err != nil {
		return nil, "", err
	}
	policy, err := c.Fingerprint(time.Now(), g.Rules.Digest(), programVersion())
	return g, policy, err
}

// tellAll decorates the gate's seams so that the server is told how far judging has got, and keeps what is inside of the
// image.
func tellAll(g *gate.Gate, tell *judge.Teller, inside *[]sbom.Inside) {
	pull, verify, scan := g.Pull, g.Verify, g.SBOM
	g.Pull = func(ctx context.Context, ref image.Reference) (*image.Image, error) {
		tell.Doing("resolving")
		return pull(ctx, ref)
	}
	g.Verify = func(ctx context.Context, img *image.Image) (signature.Result, error) {
		tell.Doing("asking who signed")
		return verify(ctx, img)
	}
	g.SBOM = func(ctx context.Context, p *image.Platform, started sbom.Started) (*sbom.SBOM, error) {
		tell.Doing("reading " + p.Name)
		bom, err := scan(tellLayers(ctx, func(layer int, read, size int64) {
			tell.Layer(judge.Layer{Platform: p.Name, Index: layer, Of: len(p.Layers), Read: read, Size: size})
		}), p, started)
		if err == nil {
			*inside = append(*inside, sbom.Inside{Platform: p.Name, SBOM: bom})
		}
		return bom, err
	}
}
