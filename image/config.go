package image

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// configFile is an image's configuration (OCI image-spec, config.md), as far as it is read.
type configFile struct {
	OS           string `json:"os"`
	Architecture string `json:"architecture"`
	Variant      string `json:"variant"`
	Created      string `json:"created"`
	Config       struct {
		User         string
		Entrypoint   []string
		Cmd          []string
		Env          []string
		WorkingDir   string
		Shell        []string
		OnBuild      []string
		Healthcheck  *struct{ Test []string }
		ExposedPorts map[string]json.RawMessage
		Volumes      map[string]json.RawMessage
		Labels       map[string]string
	} `json:"config"`
	RootFS struct {
		DiffIDs []string `json:"diff_ids"`
	} `json:"rootfs"`
	History []struct {
		CreatedBy  string `json:"created_by"`
		EmptyLayer bool   `json:"empty_layer"`
	} `json:"history"`
}

// configTypes are the media types of configurations that runtimes read.
var configTypes = []string{
	"application/vnd.oci.image.config.v1+json",
	"application/vnd.docker.container.image.v1+json",
}

func parseConfig(raw []byte) (*configFile, error) {
	if err := checkKeys(raw); err != nil {
		return nil, unscannable("configuration: %v", err)
	}
	var c configFile
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, unscannable("configuration: %v", err)
	}
	for _, id := range c.RootFS.DiffIDs {
		if err := checkDigest(id); err != nil {
			return nil, unscannable("configuration: diff ID: %v", err)
		}
	}
	return &c, nil
}

// name returns os/arch[/variant].
func (c *configFile) name() string {
	return platformName(platformClaim{c.OS, c.Architecture, c.Variant})
}

func platformName(p platformClaim) string {
	parts := []string{p.OS, p.Architecture}
	for i := range parts {
		if parts[i] == "" {
			parts[i] = "unknown"
		}
	}
	if p.Variant != "" {
		parts = append(parts, p.Variant)
	}
	return strings.Join(parts, "/")
}

// facts returns the part that says what the image would run.
func (c *configFile) facts() Config {
	out := Config{
		OS:           c.OS,
		Architecture: c.Architecture,
		Variant:      c.Variant,
		User:         c.Config.User,
		Entrypoint:   c.Config.Entrypoint,
		Cmd:          c.Config.Cmd,
		Env:          c.Config.Env,
		WorkingDir:   c.Config.WorkingDir,
		Shell:        c.Config.Shell,
		OnBuild:      c.Config.OnBuild,
		ExposedPorts: slices.Sorted(maps.Keys(c.Config.ExposedPorts)),
		Volumes:      slices.Sorted(maps.Keys(c.Config.Volumes)),
		Labels:       c.Config.Labels,
	}
	if c.Config.Healthcheck != nil {
		out.Healthcheck = c.Config.Healthcheck.Test
	}
	// A time that cannot be read is none: nothing is judged by it.
	if created, err := time.Parse(time.RFC3339, c.Created); err == nil {
		out.Created = created
	}
	return out
}

// createdBy returns the history entry of each layer; none if history and layers do not fit together.
func (c *configFile) createdBy(layers int) []string {
	var out []string
	for _, h := range c.History {
		if !h.EmptyLayer {
			out = append(out, h.CreatedBy)
		}
	}
	if len(out) != layers {
		return make([]string, layers)
	}
	return out
}
