package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/gate"
)

func newCheck(a *app) *cobra.Command {
	var (
		o      options
		out    outputs
		images string
	)
	cmd := &cobra.Command{
		Use:   "check TARGET...",
		Short: "Judge manifests and the images they run: the gate",
		Long: `Judge Kubernetes manifests and compose files, and the images that they run, and
give one verdict.

` + targetHelp + `
With --images=off, images that manifests name are not looked at; an image that
is itself a target always is.`,
		Example: `  tidewaiter check k8s/
  tidewaiter check --format sarif=tidewaiter.sarif --format github k8s/
  tidewaiter check registry.example/shop/web:1.4
  kustomize build . | tidewaiter check -`,
		Args: needTargets,
		RunE: func(cmd *cobra.Command, args []string) error {
			auto, err := imagesFlag(images)
			if err != nil {
				return err
			}
			return a.judge(cmd.Context(), o, out, args, auto)
		},
	}
	o.registerJudging(cmd)
	out.register(cmd)
	cmd.Flags().StringVar(&images, "images", "auto", "judge the images that manifests name: `auto` (all of them) or off")
	return cmd
}

// imagesFlag reads the flag --images: whether to look at the images that manifests name.
func imagesFlag(flag string) (bool, error) {
	if flag != "auto" && flag != "off" {
		return false, configError{fmt.Errorf("--images=%s: use auto or off", flag)}
	}
	return flag == "auto", nil
}

func newLint(a *app) *cobra.Command {
	var (
		o   options
		out outputs
	)
	cmd := &cobra.Command{
		Use:   "lint TARGET...",
		Short: "Judge manifests only: offline and fast",
		Long: `Judge Kubernetes manifests and compose files without looking at the images that
they run. No network connection is opened: an image that is itself a target comes
from oci: or an archive. It is "check --images=off" for the moment before a commit.

` + targetHelp,
		Example: `  tidewaiter lint k8s/
  helm template shop charts/shop | tidewaiter lint -`,
		Args: needTargets,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.offline, o.local = true, true
			return a.judge(cmd.Context(), o, out, args, false)
		},
	}
	o.registerJudging(cmd)
	out.register(cmd)
	return cmd
}

const targetHelp = `A TARGET is a file, a folder, "-" for standard input, or an image: a registry
reference, oci:DIR[@digest], oci-archive:FILE or docker-archive:FILE. The prefixes
path: and image: say which is meant where it could be both.
`

// needTargets refuses a command line without targets with a hint of what one is.
func needTargets(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("%s needs a target: a file, a folder, \"-\" or an image", cmd.CommandPath())
	}
	return nil
}

func parseTargets(args []string) ([]gate.Target, error) {
	var targets []gate.Target
	for _, arg := range args {
		t, err := gate.ParseTarget(arg)
		if err != nil {
			return nil, undecidedError{err}
		}
		targets = append(targets, t)
	}
	return targets, nil
}
