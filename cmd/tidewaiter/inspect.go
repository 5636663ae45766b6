package main

import (
	"encoding/json"

	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/gate"
)

func newInspect(a *app) *cobra.Command {
	var (
		o      options
		images string
	)
	cmd := &cobra.Command{
		Use:   "inspect TARGET...",
		Short: "Print the evidence as JSON: exactly what a rule gets to see",
		Long: `Print the evidence on targets, as a JSON list: exactly the "input" that a rule gets to
see. There is an entry for each object and each platform of an image, and, with
--images=auto, one for each object together with its images. Nothing is judged.

` + targetHelp,
		Example: `  tidewaiter inspect k8s/web.yaml | jq '.[0].pods[0].containers[].runs'
  tidewaiter inspect oci:build/image | jq '.[].files'`,
		Args: needTargets,
		RunE: func(cmd *cobra.Command, args []string) error {
			auto, err := imagesFlag(images)
			if err != nil {
				return err
			}
			g, _, err := a.newGate(cmd.Context(), o)
			if err != nil {
				return err
			}
			targets, err := parseTargets(args)
			if err != nil {
				return err
			}
			evidence, broken := g.Inspect(cmd.Context(), gate.Input{Targets: targets, Stdin: a.stdin, Images: auto})
			encoder := json.NewEncoder(a.stdout)
			encoder.SetIndent("", "  ")
			if err := encoder.Encode(evidence); err != nil {
				return undecidedError{err}
			}
			for _, err := range broken {
				complain(a.stderr, err)
			}
			if len(broken) > 0 {
				return verdictError(gate.Undecided)
			}
			return nil
		},
	}
	o.registerConfig(cmd)
	o.registerImages(cmd)
	o.registerHelm(cmd)
	cmd.Flags().StringVar(&images, "images", "off", "look at the images that manifests name: auto (all of them) or `off`")
	return cmd
}
