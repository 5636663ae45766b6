package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/sbom"
)

func newSBOM(a *app) *cobra.Command {
	var (
		o      options
		format string
	)
	cmd := &cobra.Command{
		Use:   "sbom IMAGE",
		Short: "Write what is inside an image as an SBOM",
		Long: `Write the packages and the classified files of one platform of an image. Miners, shells,
download tools and the like carry their class as a property. Of an image for several
platforms, this machine's is taken unless --platform says otherwise.`,
		Example: `  tidewaiter sbom -o cyclonedx-json registry.example/shop/web:1.4 > sbom.json`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(sbom.Formats(), format) {
				return configError{fmt.Errorf("--output %s: use one of %s", format, strings.Join(sbom.Formats(), ", "))}
			}
			return a.sbom(cmd, o, args[0], format)
		},
	}
	o.registerConfig(cmd)
	o.registerImages(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "cyclonedx-json", "`FORMAT`: "+strings.Join(sbom.Formats(), ", "))
	return cmd
}

func (a *app) sbom(cmd *cobra.Command, o options, ref, format string) error {
	c, err := o.loadConfig()
	if err != nil {
		return err
	}
	client, _, err := a.clients(o, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), c.Limits.ImageTimeout())
	defer cancel()
	img, err := pull(ctx, client.Pull, ref)
	if err != nil {
		return err
	}
	platform, err := onePlatform(img)
	if err != nil {
		return configError{err}
	}
	bom, err := sbom.Scan(ctx, platform, sbom.Options{
		Name: ref, Layers: c.Limits.Image(), Limits: c.Limits.SBOM(), Memory: a.memory(), Document: true,
	})
	if err != nil {
		return undecidedError{err}
	}
	if err := bom.Encode(a.stdout, format); err != nil {
		return undecidedError{err}
	}
	return nil
}

// onePlatform chooses the platform that an SBOM is of: the only one, or else this machine's.
func onePlatform(img *image.Image) (*image.Platform, error) {
	if len(img.Platforms) == 1 {
		return img.Platforms[0], nil
	}
	var names []string
	for _, p := range img.Platforms {
		if p.Name == "linux/"+runtime.GOARCH {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return nil, fmt.Errorf("the image is for several platforms; choose one by --platform: %s", strings.Join(names, ", "))
}
