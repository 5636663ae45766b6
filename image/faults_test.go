package image

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
)

// stage is a registry with an image and its signature, of which one kind of request is answered by fault.
type stage struct {
	*hostile
	host  string
	of    func(r *http.Request) bool
	fault http.HandlerFunc

	mu     sync.Mutex
	faults int
}

// The kinds of requests that verifying an image makes.
var requestKinds = map[string]func(r *http.Request) bool{
	"greeting": func(r *http.Request) bool { return r.URL.Path == "/v2/" },
	"token":    func(r *http.Request) bool { return r.URL.Path == "/token" },
	"manifest": func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, "/manifests/t") },
	"tag":      func(r *http.Request) bool { return strings.HasSuffix(r.URL.Path, ".sig") },
	"fallback": func(r *http.Request) bool {
		return strings.Contains(r.URL.Path, "/manifests/sha256-") && !strings.Contains(r.URL.Path, ".")
	},
	"referrers": func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/referrers/") },
	"blob":      func(r *http.Request) bool { return strings.Contains(r.URL.Path, "/blobs/") },
}

func newStage(t *testing.T, kind string, fault http.HandlerFunc) *stage {
	t.Helper()
	h := newHostile(t)
	subject := h.image(t, "linux/amd64", nil, "t")
	h.carry(t, nil, "", []string{"signature"}, strings.Replace(subject.Digest, ":", "-", 1)+".sig")
	s := &stage{hostile: h, of: requestKinds[kind], fault: fault}
	s.host = startServer(t, s)
	return s
}

func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case s.of(r):
		s.mu.Lock()
		s.faults++
		s.mu.Unlock()
		s.fault(w, r)
	case r.URL.Path == "/token":
		io.WriteString(w, `{"token":"t"}`)
	case r.Header.Get("Authorization") != "Bearer t":
		w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token",service="x"`, r.Host))
		w.WriteHeader(http.StatusUnauthorized)
	default:
		s.hostile.ServeHTTP(w, r)
	}
}

// run does what verifying does, with the credentials alice:hunter2. It fails the test if it does not end by itself.
func (s *stage) run(t *testing.T, limits Limits) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := &Client{PlainHTTP: []string{s.host}, Keychain: basic{"alice", "hunter2"}, Limits: limits}
	img, err := c.Resolve(ctx, mustParse(t, s.host+"/x:t"))
	if err == nil {
		_, err = img.Attachments(ctx, img.Digest, "")
	}
	if ctx.Err() != nil {
		t.Error("it did not end")
	}
	return err
}

// asked is how often the request with the fault was made.
func (s *stage) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// TestFaults is REG-07, REG-11, REG-12, REG-14 and REG-16: whatever a registry does wrong, with whichever request,
// ends by itself in one line that tells nothing of our secrets.
func TestFaults(t *testing.T) {
	flush := func(w http.ResponseWriter) { w.(http.Flusher).Flush() }
	limits := Limits{Idle: 200 * time.Millisecond, Header: 200 * time.Millisecond}
	for fault, handler := range map[string]http.HandlerFunc{
		"hang": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"stall": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			io.WriteString(w, "{")
			flush(w)
			<-r.Context().Done()
		},
		"drip": func(w http.ResponseWriter, r *http.Request) {
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				flush(w)
				time.Sleep(time.Millisecond)
			}
		},
		"endless": func(w http.ResponseWriter, r *http.Request) { endless(w, " ") },
		"endless error": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			endless(w, "\x1b[2K\r\n::error::\u202ehunter2")
		},
		"reset": func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") },
		"too short": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}")
		},
		"too long": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}{}{}HTTP/1.1 200 OK\r\n\r\n")
		},
		"no HTTP":         func(w http.ResponseWriter, _ *http.Request) { hijack(w, "\x00\x1b[31mhunter2\n") },
		"endless headers": func(w http.ResponseWriter, _ *http.Request) { endlessHeaders(w) },
		"rate": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "99999999")
			w.WriteHeader(http.StatusTooManyRequests)
		},
		"redirect to itself": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, r.URL.Path, http.StatusTemporaryRedirect)
		},
		"packed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			endless(z, strings.Repeat("\x00", 1<<16))
		},
		"html": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>\x1b[2Khunter2</html>") },
	} {
		for kind := range requestKinds {
			if kind == "greeting" && slices.Contains([]string{"endless", "drip", "stall", "packed", "html", "too short", "too long"}, fault) {
				continue // nobody reads what the greeting says; see TestGreetingBody
			}
			t.Run(fault+"/"+kind, func(t *testing.T) {
				t.Parallel()
				s := newStage(t, kind, handler)
				err := s.run(t, limits)
				for s.asked() == 0 && err != nil && t.Context().Err() == nil { // a good answer came too late for so short a limit
					err = s.run(t, limits)
				}
				wantError(t, err, "")
				if strings.Contains(err.Error(), "hunter2\"") || strings.Contains(err.Error(), "alice") {
					t.Errorf("the error tells a secret: %v", err)
				}
				if n := s.asked(); n == 0 || n > 11 {
					t.Errorf("%d requests, want 1 to 11", n)
				}
			})
		}
	}
}

// TestGreetingBody: the body of the first answer is not waited for longer than for others, nor read to its end.
func TestGreetingBody(t *testing.T) {
	for fault, handler := range map[string]http.HandlerFunc{
		"endless": func(w http.ResponseWriter, r *http.Request) { endless(w, " ") },
		"stall": func(w http.ResponseWriter, r *http.Request) {
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		},
	} {
		s := newStage(t, "greeting", handler)
		if err := s.run(t, Limits{Idle: 200 * time.Millisecond}); err != nil && !strings.Contains(err.Error(), "unauthorized") {
			t.Errorf("%s: %v", fault, err)
		}
	}
}

func endless(w io.Writer, text string) {
	chunk := []byte(strings.Repeat(text, 1+(1<<16)/len(text)))
	for {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}

// hijack answers with raw text and closes the connection.
func hijack(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	io.WriteString(conn, text)
	conn.Close()
}

func endlessHeaders(w http.ResponseWriter) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
	endless(conn, "X-Header: x\r\n")
}

// TestNothingPackedAskedFor is REG-14: nobody asks for another form of what has a digest.
func TestNothingPackedAskedFor(t *testing.T) {
	h := newHostile(t)
	h.image(t, "linux/amd64", nil, "t")
	img, err := h.pull(t, &Client{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := img.Attachments(t.Context(), img.Digest, ""); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.requests {
		if r.Header.Get("Accept-Encoding") != "" {
			t.Errorf("%s was asked for as %s", r.URL.Path, r.Header.Get("Accept-Encoding"))
		}
	}
}

// TestSecondTime is SIG-15: what is served differently the second time is not what was asked for.
func TestSecondTime(t *testing.T) {
	h := newHostile(t)
	subject := h.image(t, "linux/amd64", nil, "t")
	tag := strings.Replace(subject.Digest, ":", "-", 1)
	sig := h.carryAs(t, bundleV03, &subject, bundleV03, []string{"good"})
	h.index(t, []map[string]any{wire(sig)}, tag)
	img, err := h.pull(t, &Client{})
	if err != nil {
		t.Fatal(err)
	}
	if attached, err := img.Attachments(t.Context(), img.Digest, ""); err != nil || len(attached) != 1 {
		t.Fatalf("got %+v, %v", attached, err)
	}
	evil := h.carryAs(t, bundleV03, &subject, bundleV03, []string{"evil"})
	for what, swap := range map[string]func(){
		"manifest": func() { h.manifests[sig.Digest] = h.manifests[evil.Digest] },
		"payload":  func() { h.blobs[digestOf([]byte("good"))] = []byte("evil") },
	} {
		manifests, blobs := maps.Clone(h.manifests), maps.Clone(h.blobs)
		swap()
		attached, err := img.Attachments(t.Context(), img.Digest, "")
		wantError(t, err, "what was sent has the digest")
		if len(attached) > 0 {
			t.Errorf("%s: an error, and %+v", what, attached)
		}
		h.manifests, h.blobs = manifests, blobs
	}
}

// TestWrongDigests: only digests are asked for, and only repositories in their canonical spelling.
func TestWrongDigests(t *testing.T) {
	h := newHostile(t)
	h.image(t, "linux/amd64", nil, "t")
	img, err := h.pull(t, &Client{})
	if err != nil {
		t.Fatal(err)
	}
	before := len(h.requests)
	for digest, repository := range map[string]string{
		"": "", "latest": "", "sha256:../../x": "", img.Digest: "UPPER/x", img.Digest + " ": "", digestA: h.host + "/x:tag",
	} {
		_, err := img.Attachments(t.Context(), digest, repository)
		wantError(t, err, "signatures")
	}
	if n := len(h.requests); n != before {
		t.Errorf("%d requests", n-before)
	}
}

// TestRetries is REG-12: many lookups do not multiply attempts.
func TestRetries(t *testing.T) {
	h := newHostile(t)
	h.image(t, "linux/amd64", nil, "t")
	var mu sync.Mutex
	asked := map[string]int{}
	host := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "sha256") {
			h.ServeHTTP(w, r)
			return
		}
		mu.Lock()
		asked[r.URL.Path]++
		mu.Unlock()
		w.Header().Set("Retry-After", "99999999")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	c := &Client{PlainHTTP: []string{host}, Keychain: noCredentials{}}
	img, err := c.Resolve(t.Context(), mustParse(t, host+"/x:t"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = img.Attachments(t.Context(), img.Digest, "")
	wantError(t, err, "too many requests")
	if len(asked) != 4 || slices.Max(slices.Collect(maps.Values(asked))) > 3 {
		t.Errorf("asked for %v, want four things, three times each at most", asked)
	}
}

// TestPrivateFields is REG-04: no field of an answer leads into private networks.
func TestPrivateFields(t *testing.T) {
	canary := newCanary(t, nil)
	_, port, _ := strings.Cut(canary.host, ":")
	for _, host := range []string{"127.0.0.1", "localhost", "0.0.0.0", "[::ffff:127.0.0.1]", "[::1]", "2130706433", "0x7f.1", "127.1", "017700000001", "169.254.169.254"} {
		host := host + ":" + port
		for field, answer := range map[string]http.HandlerFunc{
			"realm": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("WWW-Authenticate", fmt.Sprintf(`Bearer realm="http://%s/token"`, host))
				w.WriteHeader(http.StatusUnauthorized)
			},
			"redirect": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://"+host+"/x", http.StatusFound)
			},
			"link": func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", ociIndex)
				w.Header().Set("Link", fmt.Sprintf(`<//%s/x>; rel="next"`, host))
				io.WriteString(w, `{"schemaVersion":2,"manifests":[]}`)
			},
		} {
			kind := map[string]string{"realm": "greeting", "redirect": "fallback", "link": "referrers"}[field]
			s := newStage(t, kind, answer)
			c := &Client{PlainHTTP: []string{s.host, host}, Keychain: noCredentials{}}
			img, err := c.Resolve(t.Context(), mustParse(t, s.host+"/x:t"))
			if err == nil {
				_, err = img.Attachments(t.Context(), img.Digest, "")
			}
			wantError(t, err, "registry "+s.host)
		}
	}
	canary.check(t, 0)
}

// TestRedirectBack is REG-02: from the registry to another host, and back.
func TestRedirectBack(t *testing.T) {
	var s *stage
	other := newCanary(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://"+s.host+"/v2/x/blobs/"+digestOf([]byte("signature")), http.StatusTemporaryRedirect)
	})
	away := strings.TrimPrefix(other.URL, "http://")
	var hops int
	s = newStage(t, "blob", func(w http.ResponseWriter, r *http.Request) {
		if hops++; hops == 1 {
			http.Redirect(w, r, other.URL+"/away", http.StatusTemporaryRedirect)
			return
		}
		s.hostile.ServeHTTP(w, r)
	})
	c := &Client{PlainHTTP: []string{s.host, away}, PrivateHosts: []string{away}, Keychain: basic{"alice", "hunter2"}}
	img, err := c.Resolve(t.Context(), mustParse(t, s.host+"/x:t"))
	if err != nil {
		t.Fatal(err)
	}
	if attached, err := img.Attachments(t.Context(), img.Digest, ""); err != nil || len(attached) != 1 {
		t.Errorf("got %+v, %v", attached, err)
	}
	other.check(t, 1)
}

// asked is a keychain that remembers whom it was asked about.
type asked []string

func (a *asked) Resolve(r authn.Resource) (authn.Authenticator, error) {
	*a = append(*a, r.RegistryStr())
	return authn.Anonymous, nil
}

// TestLookAlikeHosts is REG-03: credentials are those of exactly the host, and a well-known token service is only
// that of its own registry.
func TestLookAlikeHosts(t *testing.T) {
	config := t.TempDir()
	writeFile(t, filepath.Join(config, "config.json"), `{"auths": {"myacr.azurecr.io": {"auth": "YWxpY2U6aHVudGVyMg=="}, "gcr.io": {"auth": "YWxpY2U6aHVudGVyMg=="}, "https://index.docker.io/v1/": {"auth": "YWxpY2U6aHVudGVyMg=="}}}`)
	t.Setenv("DOCKER_CONFIG", config)
	for host, own := range map[string]bool{
		"myacr.azurecr.io": true, "gcr.io": true, "docker.io": true,
		"myacr.azurecr.io.evil.test": false, "evil-myacr.azurecr.io": false, "azurecr.io": false, "gcr.io.evil.test": false, "eu.gcr.io": false,
		"evilgcr.io": false, "docker.io.evil.test": false, "index.docker.io.evil.test": false, "gcr.io:8443": false,
	} {
		c := &Client{}
		ref := mustParse(t, host+"/x/y:t")
		g, err := c.guard(ref.Host, DefaultLimits())
		if err != nil {
			t.Fatal(err)
		}
		if got := g.trusted("auth.docker.io"); got != (host == "docker.io") {
			t.Errorf("%s: auth.docker.io may have its credentials: %v", host, got)
		}
		registry, err := name.NewRegistry(g.registry)
		if err != nil {
			t.Fatal(err)
		}
		s, spy := &registrySource{host: host}, &asked{}
		if _, err := s.credentials(t.Context(), spy, registry.Repo("x/y")); err != nil || len(*spy) != 1 || (*spy)[0] != g.registry {
			t.Errorf("%s: asked for the credentials of %q, %v", host, *spy, err)
		}
		auth, err := s.credentials(t.Context(), nil, registry.Repo("x/y"))
		if got := auth != authn.Anonymous; err != nil || got != own {
			t.Errorf("%s: has credentials: %v, %v, want %v", host, got, err, own)
		}
	}
}

// TestWorkspaceCredentials is REG-15: a configuration in the working directory is not read, and no program that it
// names is run, whatever the environment lacks.
func TestWorkspaceCredentials(t *testing.T) {
	for environment, variables := range map[string]map[string]string{
		"usual":          {"HOME": t.TempDir()},
		"no home":        {},
		"home":           {"HOME": "."},
		"docker config":  {"HOME": t.TempDir(), "DOCKER_CONFIG": "."},
		"docker folder":  {"HOME": t.TempDir(), "DOCKER_CONFIG": ".docker"},
		"missing config": {"DOCKER_CONFIG": t.TempDir()},
		"podman's file":  {"HOME": t.TempDir(), "REGISTRY_AUTH_FILE": "config.json"},
		"runtime folder": {"HOME": t.TempDir(), "XDG_RUNTIME_DIR": "."},
		"config folder":  {"HOME": t.TempDir(), "XDG_CONFIG_HOME": ".config"},
	} {
		t.Run(environment, func(t *testing.T) {
			s := newStage(t, "manifest", nil)
			s.of = func(*http.Request) bool { return false }
			workspace, bin := t.TempDir(), t.TempDir()
			marker := filepath.Join(bin, "was-run")
			writeFile(t, filepath.Join(bin, "docker-credential-evil"), "#!/bin/sh\ntouch "+marker+"\nexit 1\n")
			config := fmt.Sprintf(`{"credsStore": "evil", "credHelpers": {%q: "evil"}, "auths": {%[1]q: {"auth": "YWxpY2U6aHVudGVyMg=="}}}`, s.host)
			for _, path := range []string{"config.json", ".docker/config.json", "containers/auth.json", ".config/containers/auth.json"} {
				writeFile(t, filepath.Join(workspace, path), config)
			}
			t.Chdir(workspace)
			t.Setenv("PATH", bin+":"+os.Getenv("PATH"))
			for _, v := range credentialVariables {
				t.Setenv(v, variables[v])
			}
			c := &Client{PlainHTTP: []string{s.host}}
			_, err := c.Resolve(t.Context(), mustParse(t, s.host+"/x:t"))
			if relative := slices.ContainsFunc(slices.Collect(maps.Values(variables)), func(v string) bool { return !filepath.IsAbs(v) }); relative {
				wantError(t, err, "make it an absolute path")
			} else if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(marker); err == nil {
				t.Error("a program that the working directory names was run")
			}
			for _, r := range s.requests {
				if strings.HasPrefix(r.Header.Get("Authorization"), "Basic") {
					t.Error("credentials of the working directory were sent")
				}
			}
		})
	}
}

func writeFile(t testing.TB, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
}

// FuzzNext reads Link headers: the next page is at the same registry, or nowhere.
func FuzzNext(f *testing.F) {
	for _, link := range []string{`</v2/x/referrers/d?n=1>; rel="next"`, `<//evil.test/x>; rel=next`, `<http://registry.example:80@evil.test/>; rel="next"`, `<?a=b>;rel=prev, <?c=d>; rel="next"`, "<\x00>; rel=next", `<https:\\evil.test>; rel=next`} {
		f.Add(link)
	}
	s := &registrySource{host: "registry.example"}
	f.Fuzz(func(t *testing.T, link string) {
		next, err := s.next("https://registry.example/v2/x/referrers/d", []string{link})
		if err != nil {
			wantError(t, err, "registry registry.example")
			return
		}
		if req, err := http.NewRequest(http.MethodGet, next, nil); next != "" && err == nil && (req.URL.Host != "registry.example" || req.URL.Scheme != "https" || req.Host != "registry.example") {
			t.Errorf("%q leads to %q", link, next)
		}
	})
}

// scripted is a source of what a fuzzer wrote.
type scripted struct {
	subject                     string
	sig, list, carrier, content []byte
}

func (s *scripted) manifest(_ context.Context, ref string) ([]byte, string, error) {
	switch {
	case ref == digestOf(s.carrier):
		return s.carrier, "", nil
	case strings.HasSuffix(ref, ".sig"):
		return s.sig, "", nil
	case strings.HasPrefix(ref, "sha256-") && !strings.Contains(ref, "."):
		return s.list, "", nil
	}
	return nil, "", ErrNotFound
}

func (s *scripted) blob(_ context.Context, digest string) (io.ReadCloser, error) {
	if digest != digestOf(s.content) {
		return nil, ErrNotFound
	}
	return io.NopCloser(bytes.NewReader(s.content)), nil
}

func (s *scripted) referrers(context.Context, string) ([]descriptor, error) {
	return parseList(s.list, ociIndex)
}

// FuzzAttachments collects from a hostile source. SUBJECT, CARRIER and CONTENT stand for digests that the fuzzer
// could not compute, and SIZE for the size of the content.
func FuzzAttachments(f *testing.F) {
	config := `"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"CONTENT","size":2}`
	layer := `{"mediaType":"` + bundleV03 + `","digest":"CONTENT","size":SIZE}`
	image := `{"schemaVersion":2,"mediaType":"` + ociManifest + `",` + config + `,"layers":[` + layer + `]`
	f.Add([]byte(image+"}"), []byte(`{"mediaType":"`+ociIndex+`","manifests":[{"mediaType":"`+ociManifest+`","digest":"CARRIER","size":5}]}`),
		[]byte(image+`,"subject":{"mediaType":"`+ociManifest+`","digest":"SUBJECT","size":9}}`), []byte("payload"))
	f.Add([]byte(""), []byte(`{"mediaType":"`+ociIndex+`","manifests":[]}`), []byte(image+`,"artifactType":"`+bundleV03+`","subject":{"digest":"SUBJECT","size":9}}`), []byte(""))
	limits := Limits{Signatures: 3, SignatureBytes: 4 << 10, Manifests: 4}.orDefault(DefaultLimits())
	f.Fuzz(func(t *testing.T, sig, list, carrier, content []byte) {
		s := &scripted{subject: digestA, content: content}
		fill := func(text []byte, more ...string) []byte {
			return []byte(strings.NewReplacer(append(more, "SUBJECT", digestA, "CONTENT", digestOf(content), "SIZE", fmt.Sprint(len(content)))...).Replace(string(text)))
		}
		s.carrier = fill(carrier)
		s.sig, s.list = fill(sig), fill(list, "CARRIER", digestOf(s.carrier))
		found, err := attachments(t.Context(), s, digestA, limits)
		again, errAgain := attachments(t.Context(), s, digestA, limits)
		if fmt.Sprint(found, err) != fmt.Sprint(again, errAgain) {
			t.Errorf("got %v, %v, and then %v, %v", found, err, again, errAgain)
		}
		if err != nil {
			if wantError(t, err, ""); len(found) > 0 {
				t.Errorf("an error, and %+v", found)
			}
			return
		}
		if len(found) > limits.Signatures {
			t.Errorf("%d attachments", len(found))
		}
		for _, a := range found {
			if a.Malformed == "" && !bytes.Equal(a.Payload, content) || a.Malformed != "" && len(a.Payload) > 0 {
				t.Errorf("%+v is not what the source has", a)
			}
		}
	})
}

// TestGuardStrips is REG-01 and REG-02 where nobody else helps: whatever a request carries, another host does not see it.
func TestGuardStrips(t *testing.T) {
	other := newCanary(t, nil)
	c := &Client{PlainHTTP: []string{other.host}, PrivateHosts: []string{other.host}}
	g, err := c.guard("registry.example", DefaultLimits())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+other.host+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"Authorization", "Cookie", "Referer"} {
		req.Header.Set(header, "hunter2")
	}
	resp, err := g.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	other.check(t, 1)
}

// TestReferrersMemory is SIG-10: many pages of what could be signatures are not gathered to the last.
func TestReferrersMemory(t *testing.T) {
	h := newHostile(t)
	h.image(t, "linux/amd64", nil, "t")
	var pages int
	host := startServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.URL.Path, "/referrers/") {
			h.ServeHTTP(w, r)
			return
		}
		pages++
		w.Header().Set("Content-Type", ociIndex)
		w.Header().Set("Link", fmt.Sprintf(`<%s?n=%d>; rel="next"`, r.URL.Path, pages))
		var list []map[string]any
		for i := range 60 {
			list = append(list, map[string]any{"mediaType": ociManifest, "digest": digestOf(fmt.Append(nil, pages, i)), "size": 5})
		}
		w.Write(mustJSON(t, map[string]any{"schemaVersion": 2, "manifests": list}))
	}))
	c := &Client{PlainHTTP: []string{host}, Keychain: noCredentials{}}
	img, err := c.Resolve(t.Context(), mustParse(t, host+"/x:t"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = img.Attachments(t.Context(), img.Digest, "")
	wantError(t, err, "the number of manifests that are listed beside it exceeds the limit of 100 manifests")
	if pages != 2 {
		t.Errorf("%d pages, want 2", pages)
	}
}

// TestChildrenFail: an image of which a part could not be read never looks like one that has only the rest.
func TestChildrenFail(t *testing.T) {
	h := newHostile(t)
	good, gone := h.image(t, "linux/amd64", nil), h.image(t, "linux/arm64", nil)
	h.index(t, []map[string]any{wire(good), wire(gone)}, "t")
	delete(h.manifests, gone.Digest)
	c := &Client{PlainHTTP: []string{h.host}, Keychain: noCredentials{}}
	img, err := c.Resolve(t.Context(), mustParse(t, h.host+"/x:t"))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		children, err := img.Children(t.Context())
		if wantError(t, err, "not found"); len(children) > 0 {
			t.Errorf("an error, and %q", children)
		}
	}
}

// TestLocalAsksNobody: where registries are refused, so are those that keep the signatures of an image on disk.
func TestLocalAsksNobody(t *testing.T) {
	h := newHostile(t)
	path := writeLayout(t)
	if err := path.AppendImage(imagetest.Image(t, map[string]string{"a": "1"})); err != nil {
		t.Fatal(err)
	}
	for _, local := range []bool{true, false} {
		c := &Client{Local: local, PlainHTTP: []string{h.host}, Keychain: noCredentials{}}
		img, err := c.Resolve(t.Context(), mustParse(t, "oci:"+string(path)))
		if err != nil {
			t.Fatal(err)
		}
		_, err = img.Attachments(t.Context(), img.Digest, h.host+"/keep")
		if local {
			wantError(t, err, "signatures of "+img.Digest+" in "+h.host+"/keep")
		} else if err != nil {
			t.Error(err)
		}
		if asked := len(h.requests) > 0; asked == local {
			t.Errorf("local=%v, the registry was asked: %v", local, asked)
		}
	}
}
