package manifests_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/tidewaiter/tidewaiter/manifests"
)

// BenchmarkDecode reads a file of 1,000 Deployments, the most that a file may hold.
func BenchmarkDecode(b *testing.B) {
	document, err := os.ReadFile("testdata/bench/deployment.yaml")
	if err != nil {
		b.Fatal(err)
	}
	data := bytes.Repeat(append([]byte("---\n"), document...), 1000)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		objects, problems := manifests.Decode("all.yaml", data, manifests.Limits{})
		if len(objects) != 1000 || len(problems) > 0 {
			b.Fatalf("got %d objects, %v", len(objects), problems)
		}
	}
}
