package main

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/signature/signaturetest"
)

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web-%[1]d, namespace: shop, labels: {app: web-%[1]d}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web-%[1]d}}
  template:
    metadata: {labels: {app: web-%[1]d}}
    spec:
      securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
      initContainers:
        - name: wait
          image: registry.example/tools/wait:1.0
          command: [sh, -c, "until nc -z db 5432; do sleep 1; done"]
      containers:
        - name: web
          image: registry.example/shop/web:1.%[1]d
          args: [--listen, ":8080"]
          ports: [{containerPort: 8080}]
          livenessProbe: {exec: {command: [curl, -fs, "http://localhost:8080/healthz"]}}
          resources: {requests: {cpu: 100m, memory: 64Mi}, limits: {memory: 128Mi}}
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: {drop: [ALL]}
`

const service = `apiVersion: v1
kind: Service
metadata: {name: web-%[1]d, namespace: shop}
spec: {selector: {app: web-%[1]d}, ports: [{port: 80, targetPort: 8080}]}
`

const role = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web-%[1]d, namespace: shop}
rules:
  - {apiGroups: [""], resources: [configmaps], verbs: [get, list, watch]}
  - {apiGroups: [apps], resources: [deployments], verbs: [get]}
`

const configMap = `apiVersion: v1
kind: ConfigMap
metadata: {name: web-%[1]d, namespace: shop}
data: {level: info, greeting: "hello %[1]d"}
`

// writeManifests writes one.yaml, many.yaml with 1,000 documents, and a conftest policy of 22 rules.
func writeManifests(dir string) error {
	kinds := []string{deployment, service, role, configMap}
	var many strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&many, "---\n"+kinds[i%len(kinds)], i)
	}
	if err := os.MkdirAll(filepath.Join(dir, "policy"), 0o755); err != nil {
		return err
	}
	var policy strings.Builder
	policy.WriteString("package main\n")
	for i := range 22 {
		fmt.Fprintf(&policy, `
deny contains msg if {
	some container in input.spec.template.spec.containers
	container.securityContext.forbidden%[1]d == true
	msg := sprintf("container %%q sets forbidden%[1]d", [container.name])
}
`, i)
	}
	for name, text := range map[string]string{
		"one.yaml": fmt.Sprintf(deployment, 1), "many.yaml": many.String(), "policy/policy.rego": policy.String(),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// inputs are what the cases work on.
type inputs struct {
	dir    string   // with manifests, a key and a configuration that trusts it
	host   string   // of a registry without TLS
	image  string   // a large image in it, signed; empty if none was given
	signed []string // small images in it, signed
	scans  []string // images of bench.sh in it, if there are any
}

// signedImages is how many small images there are.
const signedImages = 50

// serveImages starts a registry on loopback with signed images: small ones, and the one of the archive if there
// is one. It writes the key and a configuration that trusts it to dir.
func serveImages(dir, archive, images string) (in inputs, stop func(), err error) {
	blobs := filepath.Join(dir, "blobs")
	if err := os.Mkdir(blobs, 0o700); err != nil {
		return inputs{}, nil, err
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true),
		registry.WithBlobHandler(registry.NewDiskBlobHandler(blobs))))
	in = inputs{dir: dir, host: strings.TrimPrefix(server.URL, "http://")}
	err = in.fill(archive)
	if err == nil && images != "" {
		err = in.push(images)
	}
	if err != nil {
		server.Close()
		return inputs{}, nil, err
	}
	return in, server.Close, nil
}

func (in *inputs) fill(archive string) error {
	key, err := signaturetest.NewKey()
	if err != nil {
		return err
	}
	if archive != "" {
		img, err := tarball.ImageFromPath(archive, nil)
		if err != nil {
			return err
		}
		in.image = in.host + "/bench/image:1"
		if err := pushSigned(in.image, img, key); err != nil {
			return err
		}
	}
	for i := range signedImages {
		img, err := imagetest.Build(nil, map[string]string{"app": fmt.Sprint(i)})
		if err != nil {
			return err
		}
		ref := fmt.Sprintf("%s/bench/small-%d:1", in.host, i)
		if err := pushSigned(ref, img, key); err != nil {
			return err
		}
		in.signed = append(in.signed, ref)
	}
	public, err := key.PublicPEM()
	if err != nil {
		return err
	}
	config := fmt.Sprintf("trust:\n  - images: [%q]\n    authorities: [{key: cosign.pub}]\nregistries: {%q: {plainHTTP: true}}\n", in.host+"/**", in.host)
	if err := os.WriteFile(filepath.Join(in.dir, "tidewaiter.yaml"), []byte(config), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(in.dir, "cosign.pub"), public, 0o644)
}

func pushSigned(ref string, img v1.Image, key signaturetest.Key) error {
	tag, err := name.NewTag(ref, name.Insecure)
	if err != nil {
		return err
	}
	if err := remote.Write(tag, img); err != nil {
		return err
	}
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	return key.Push(tag.Context(), digest)
}
