package main

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tidewaiter/tidewaiter/gate"
)

// TestCredentialsNone: a registry that shall have no credentials gets none, Docker Hub too, which is called otherwise
// where credentials are looked up.
func TestCredentialsNone(t *testing.T) {
	t.Setenv("DOCKER_AUTH_CONFIG", `{"auths": {"https://index.docker.io/v1/": {"auth": "YTpi"}, "registry.example:5000": {"auth": "YTpi"}}}`)
	for _, registry := range []string{"docker.io", "registry.example:5000"} {
		r, err := name.NewRegistry(registry)
		if err != nil {
			t.Fatal(err)
		}
		for setting, anonymous := range map[string]bool{"docker": false, "none": true} {
			k := keychain{map[string]gate.RegistryConfig{registry: {Credentials: setting}}}
			if got, err := k.Resolve(r); err != nil || (got == authn.Anonymous) != anonymous {
				t.Errorf("%s, credentials %s: anonymous is %v (%v), want %v", registry, setting, got == authn.Anonymous, err, anonymous)
			}
		}
	}
}
