package signature

import (
	"crypto"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// TestParallel verifies many images at once, each of its own repository and key, at a registry that answers after
// random times (SIG-23). Half of them have only a signature of their neighbour beside them. Each result is about
// its own image.
func TestParallel(t *testing.T) {
	const images = 64
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			time.Sleep(rand.N(10 * time.Millisecond)) // whatever it is, the results must be the same
		}
		handler.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	keys, digests, policy := make([]crypto.Signer, images), make([]string, images), Policy{}
	for i := range images {
		keys[i] = newECDSA(t)
		img := imagetest.Image(t, map[string]string{"number": fmt.Sprint(i)})
		digests[i] = imagetest.Push(t, fmt.Sprintf("%s/shop/%d:1", host, i), img)
		policy.Entries = append(policy.Entries, keyPolicy(fmt.Sprintf("%s/shop/%d", host, i), fmt.Sprintf("%d.pub", i)).Entries...)
	}
	for i := range images {
		signs := digests[i]
		if i%2 == 1 {
			signs = digests[i-1]
		}
		pushed{host, digests[i]}.attachIn(t, fmt.Sprintf("/shop/%d", i), signer{key: keys[i]}.simple(t, signs))
	}
	v, err := New(policy, Options{Dir: writeKeys(t, keys...), Offline: true})
	noError(t, err)
	client := &image.Client{PlainHTTP: []string{host}}
	var wait sync.WaitGroup
	for i := range images {
		wait.Go(func() {
			ref, err := image.ParseReference(fmt.Sprintf("%s/shop/%d:1", host, i))
			if err != nil {
				t.Error(err)
				return
			}
			img, err := client.Pull(t.Context(), ref)
			if err != nil {
				t.Error(err)
				return
			}
			r, err := v.Verify(t.Context(), img)
			switch {
			case err != nil:
				t.Error(err)
			case r.Digest != digests[i] || held(r) != (i%2 == 0) || r.Found != 1:
				t.Errorf("image %d: got %+v", i, r)
			case held(r) && r.Signers[0].Key != fmt.Sprintf("%d.pub", i):
				t.Errorf("image %d: signed by %s", i, r.Signers[0].Key)
			}
		})
	}
	wait.Wait()
}
