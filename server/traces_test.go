package server

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/trace/noop"
)

// TestTraces: with the standard variable set, requests, jobs and images are traced; without it, nothing is started.
func TestTraces(t *testing.T) {
	if tracer, _, err := openTracer(t.Context(), "test"); err != nil || tracer != (noop.Tracer{}) {
		t.Errorf("without a variable: got %T, %v", tracer, err)
	}
	got := make(chan string, 100)
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + string(body)
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	r := start(t, "")
	r.await("GET", "/v1/verdicts/"+r.push("shop/deny", "1"), adminToken, http.StatusForbidden)
	if err := r.stop(); err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for waiting := true; waiting; {
		select {
		case one := <-got:
			all.WriteString(one)
		default: // all were sent before the server ended
			waiting = false
		}
	}
	for _, want := range []string{"/v1/traces", "endpoint registry", "resolve", "judge", "registry.example/shop/deny@", "GET /v1/verdicts/{image...}"} {
		if !strings.Contains(all.String(), want) {
			t.Errorf("no trace of %q", want)
		}
	}
	if strings.Contains(all.String(), hookSecret) || strings.Contains(all.String(), adminToken) {
		t.Error("a trace shows a secret")
	}
}
