// Tidewaiter is a pre-deploy supply-chain gate for containers: one binary that judges images and Kubernetes
// manifests together, before anything reaches a cluster.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	delayCollection()
	// A reader that goes away (… | head) must not change the verdict: writes fail with EPIPE instead.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
