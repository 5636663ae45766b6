package image

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/authn"
)

// DockerKeychain gives the credentials of the docker configuration, or of podman's, and of the helpers that it
// names. It never looks for them in the working directory, which in a pipeline is somebody else's: a configuration
// there could name a program to run.
var DockerKeychain authn.Keychain = dockerKeychain{}

type dockerKeychain struct{}

// credentialVariables are what authn.DefaultKeychain, and docker's code below it, find configurations by.
var credentialVariables = []string{"HOME", "USERPROFILE", "DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_CONFIG_HOME", "XDG_RUNTIME_DIR"}

// Resolve implements authn.Keychain.
func (dockerKeychain) Resolve(r authn.Resource) (authn.Authenticator, error) {
	for _, variable := range credentialVariables {
		if path := os.Getenv(variable); path != "" && !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%s is %s, which would be in the working directory: make it an absolute path", variable, quote(path))
		}
	}
	if homeless() {
		if _, err := os.Stat(filepath.Join(os.Getenv("DOCKER_CONFIG"), "config.json")); err != nil || os.Getenv("DOCKER_CONFIG") == "" {
			return authn.Anonymous, nil
		}
	}
	return authn.DefaultKeychain.Resolve(r)
}

// homeless tells that there is no folder that podman's credentials could be in: go-containerregistry joins their
// path to nothing then, and looks for it in the working directory.
func homeless() bool {
	_, err := os.UserHomeDir()
	return err != nil && os.Getenv("XDG_CONFIG_HOME") == "" && os.Getenv("XDG_RUNTIME_DIR") == ""
}
