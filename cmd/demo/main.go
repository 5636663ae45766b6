// Demo shows what tidewaiter does, on a machine with nothing but Go: it starts a registry on loopback, pushes a
// few sample images (one of them signed), writes a folder of manifests, and runs the built binary over them.
// It fails if a verdict is not the expected one.
package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
)

// manifests are the folders that are checked. REGISTRY in them stands for the host of the registry.
//
//go:embed k8s
var manifests embed.FS

const trust = `trust:
  - images: ["REGISTRY/**"]
    authorities:
      - key: cosign.pub
registries:
  "REGISTRY": {plainHTTP: true}
`

// elsewhere is a policy for images of another registry, by the same key.
const elsewhere = `trust:
  - images: ["registry.example/**"]
    authorities:
      - key: cosign.pub
registries:
  "REGISTRY": {plainHTTP: true}
`

func main() {
	if err := demo(context.Background(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func demo(ctx context.Context, out io.Writer) error {
	binary, err := filepath.Abs("bin/tidewaiter")
	if err != nil {
		return err
	}
	if _, err := os.Stat(binary); err != nil {
		return errors.New("bin/tidewaiter is not there; run make demo from the project's root")
	}
	dir, err := os.MkdirTemp("", "tidewaiter-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	host, stop, err := serve()
	if err != nil {
		return err
	}
	defer stop()
	if err := fill(host, dir); err != nil {
		return err
	}
	for _, run := range []struct {
		args string
		want int
	}{
		{"check k8s/deny", 1},
		{"verify REGISTRY/shop/web:1.4", 0},
		{"verify --config elsewhere.yaml REGISTRY/shop/web:1.4", 2},
		{"check k8s/allow", 0},
	} {
		args := strings.ReplaceAll(run.args, "REGISTRY", host)
		fmt.Fprintf(out, "$ tidewaiter %s\n", args)
		start := time.Now()
		got, err := execute(ctx, binary, dir, out, strings.Fields(args))
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "(exit code %d, %.1f s)\n\n", got, time.Since(start).Seconds())
		if got != run.want {
			return fmt.Errorf("tidewaiter %s: exit code %d, want %d", args, got, run.want)
		}
	}
	return nil
}

// serve starts a registry on loopback: on port 5000 if that is free, so that the output is always the same.
func serve() (host string, stop func(), err error) {
	listener, err := net.Listen("tcp", "127.0.0.1:5000")
	if err != nil {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
	}
	if err != nil {
		return "", nil, err
	}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(listener) //nolint:errcheck // it ends with Close
	return listener.Addr().String(), func() { server.Close() }, nil
}

// fill pushes the images and writes the manifests and the configuration below dir.
func fill(host, dir string) error {
	public, err := pushImages(host)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "cosign.pub"), public, 0o644); err != nil {
		return err
	}
	for name, text := range map[string]string{"tidewaiter.yaml": trust, "elsewhere.yaml": elsewhere} {
		config := strings.ReplaceAll(text, "REGISTRY", host)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(config), 0o644); err != nil {
			return err
		}
	}
	return fs.WalkDir(manifests, "k8s", func(name string, entry fs.DirEntry, err error) error {
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err != nil || entry.IsDir() {
			return errors.Join(err, os.MkdirAll(target, 0o755))
		}
		text, err := manifests.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(target, []byte(strings.ReplaceAll(string(text), "REGISTRY", host)), 0o644)
	})
}

func execute(ctx context.Context, binary, dir string, out io.Writer, args []string) (int, error) {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, out, out
	err := cmd.Run()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return failed.ExitCode(), nil
	}
	return 0, err
}
