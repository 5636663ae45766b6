package signature

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/image"
)

// likeGitHub writes the world's trusted root as GitHub's own is: without logs.
func (w *world) likeGitHub() string {
	w.t.Helper()
	var text map[string]json.RawMessage
	data, err := os.ReadFile(w.trustedRoot())
	noError(w.t, err)
	noError(w.t, json.Unmarshal(data, &text))
	delete(text, "tlogs")
	delete(text, "ctlogs")
	data, err = json.Marshal(text)
	noError(w.t, err)
	path := filepath.Join(w.t.TempDir(), "trusted_root.json")
	noError(w.t, os.WriteFile(path, data, 0o600))
	return path
}

// lines writes files one after the other, each on a line, as "gh attestation trusted-root" does.
func lines(t *testing.T, paths ...string) string {
	t.Helper()
	var all []byte
	for _, path := range paths {
		data, err := os.ReadFile(path)
		noError(t, err)
		all = append(append(all, data...), '\n')
	}
	path := filepath.Join(t.TempDir(), "trusted_root.jsonl")
	noError(t, os.WriteFile(path, all, 0o600))
	return path
}

// TestRootsSideBySide has an authority under a root like GitHub's, one under a root like the public good one, and
// others under a file of both. What one root trusts helps nothing under the other.
func TestRootsSideBySide(t *testing.T) {
	github, public := newWorld(t, time.Hour), newWorld(t, time.Hour)
	githubRoot, publicRoot := github.likeGitHub(), public.trustedRoot()
	o := Options{TrustedRoot: publicRoot, TrustedRoots: map[string]TrustedRoot{
		"github": {File: githubRoot}, "both": {File: lines(t, githubRoot, publicRoot)}, "unused": {File: publicRoot},
	}}
	who := &Keyless{Issuer: provider, Subject: workflow}
	stamped := Authority{Keyless: who, TrustedRoot: "github", TransparencyLog: Ignore, Timestamp: Required, CertificateLog: Ignore}
	stampedByAny, loggedByAny := stamped, Authority{Keyless: who, TrustedRoot: "both", CertificateLog: Ignore}
	stampedByAny.TrustedRoot = "both"
	authorities := map[string]Authority{
		"github": stamped, "public": {Keyless: who}, "stamped by any": stampedByAny, "logged by any": loggedByAny,
	}
	hub, pub := github.identity(leaf{noSCT: true}), public.identity(leaf{})
	statement := signedStatement(digestA, signPredicate)
	stamp, log := bundleOptions{timestamp: true}, bundleOptions{log: true, after: time.Minute}
	for name, c := range map[string]struct {
		found    image.Attachment
		accepted string // the authorities that accept it
	}{
		"github's":                            {attach(t, github.bundle(hub, statement, stamp)), "github, stamped by any"},
		"public":                              {attach(t, public.bundle(pub, statement, log)), "public, logged by any"},
		"public, classic":                     {public.simple(pub, digestA, time.Minute), "public, logged by any"},
		"github's in the public log":          {attach(t, public.bundle(hub, statement, log)), ""},
		"github's, stamped by public":         {attach(t, public.bundle(hub, statement, stamp)), ""},
		"public, stamped by github":           {attach(t, github.bundle(pub, statement, stamp)), ""},
		"public in a log beside github":       {attach(t, github.bundle(pub, statement, log)), ""},
		"github's in the log beside it":       {attach(t, github.bundle(hub, statement, log)), ""},
		"public, stamped by public":           {attach(t, public.bundle(pub, statement, stamp)), "stamped by any"},
		"github's in the public log, classic": {public.simple(hub, digestA, time.Minute), ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, authority := range []string{"github", "public", "stamped by any", "logged by any"} {
				p := Policy{[]Entry{{Images: []string{"**"}, Authorities: []Authority{authorities[authority]}}}}
				want := strings.Contains(", "+c.accepted+",", ", "+authority+",")
				if r := verifyAttachments(t, p, o, c.found); held(r) != want {
					t.Errorf("%s: accepted: %v, want %v: %+v", authority, held(r), want, r.Rejected)
				}
			}
		})
	}
	both := Policy{[]Entry{{Images: []string{"**"}, Authorities: []Authority{stamped, {Keyless: who}}}}}
	for _, a := range []image.Attachment{attach(t, github.bundle(hub, statement, stamp)), attach(t, public.bundle(pub, statement, log))} {
		if r := verifyAttachments(t, both, o, a); !held(r) {
			t.Errorf("one of two authorities: got %+v", r)
		}
	}
}

// TestTrustedRootProblems wants each mistake named by its key, and all of them together.
func TestTrustedRootProblems(t *testing.T) {
	w, dir := newWorld(t, time.Hour), t.TempDir()
	write := func(name, text string) {
		t.Helper()
		noError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	data, err := os.ReadFile(w.trustedRoot())
	noError(t, err)
	write("good.json", string(data))
	write("root.json", string(newTUF(t).first))
	write("empty.json", " \n")
	write("page.json", "<html>404</html>")
	write("half.jsonl", string(data)+"\n"+string(data[:100]))
	write("second.jsonl", string(data)+"\n{}\n")
	write("field.json", strings.Replace(string(data), `"tlogs"`, `"tlog"`, 1))
	write("large.json", strings.Repeat(" ", maxTrustedRoot)+string(data))
	write("open.json", string(data))
	noError(t, os.Chmod(filepath.Join(dir, "open.json"), 0o602))
	noError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	const repository = "https://tuf.example/"
	for name, c := range map[string]struct {
		root TrustedRoot
		want string
	}{
		"nothing":         {TrustedRoot{}, "trustedRoots.x: has neither file nor tuf"},
		"root alone":      {TrustedRoot{Root: "root.json"}, "trustedRoots.x: has neither file nor tuf"},
		"both":            {TrustedRoot{File: "good.json", TUF: repository, Root: "root.json"}, "trustedRoots.x: has both file and tuf"},
		"file and root":   {TrustedRoot{File: "good.json", Root: "root.json"}, "trustedRoots.x: has both file and tuf"},
		"no root":         {TrustedRoot{TUF: repository}, "trustedRoots.x.tuf: needs root beside it"},
		"missing root":    {TrustedRoot{TUF: repository, Root: "no.json"}, "trustedRoots.x.root: there is no file"},
		"trusted root":    {TrustedRoot{TUF: repository, Root: "good.json"}, "is no root.json"},
		"empty root":      {TrustedRoot{TUF: repository, Root: "empty.json"}, "is no root.json"},
		"http":            {TrustedRoot{TUF: "http://tuf.example", Root: "root.json"}, "trustedRoots.x.tuf: is \"http://tuf.example\": only loopback addresses"},
		"http by a name":  {TrustedRoot{TUF: "http://127.0.0.1.tuf.example", Root: "root.json"}, "only loopback addresses"},
		"http, private":   {TrustedRoot{TUF: "http://10.0.0.1", Root: "root.json"}, "only loopback addresses"},
		"ftp":             {TrustedRoot{TUF: "ftp://tuf.example", Root: "root.json"}, "write https://"},
		"file address":    {TrustedRoot{TUF: "file:///tmp/tuf", Root: "root.json"}, "trustedRoots.x.tuf: is"},
		"path":            {TrustedRoot{TUF: "tuf", Root: "root.json"}, "trustedRoots.x.tuf: is"},
		"password":        {TrustedRoot{TUF: "https://me:secret@tuf.example", Root: "root.json"}, "has a user"},
		"query":           {TrustedRoot{TUF: "https://tuf.example?x", Root: "root.json"}, "a query"},
		"missing file":    {TrustedRoot{File: "no.json"}, "trustedRoots.x.file: there is no file"},
		"folder":          {TrustedRoot{File: "folder"}, "not a regular file"},
		"empty":           {TrustedRoot{File: "empty.json"}, "is empty"},
		"a page":          {TrustedRoot{File: "page.json"}, "trustedRoots.x.file:"},
		"half":            {TrustedRoot{File: "half.jsonl"}, "half.jsonl holds no trusted root"},
		"second is none":  {TrustedRoot{File: "second.jsonl"}, "unsupported TrustedRoot media type"},
		"unknown field":   {TrustedRoot{File: "field.json"}, "unknown field"},
		"large":           {TrustedRoot{File: "large.json"}, "larger than the 4194304 bytes"},
		"anybody's":       {TrustedRoot{File: "open.json"}, "chmod o-w"},
		"TUF's root.json": {TrustedRoot{File: "root.json"}, "holds no trusted root"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Dir: dir, TrustedRoot: "good.json", TrustedRoots: map[string]TrustedRoot{"x": c.root}}
			_, err := New(byWorkflow(), o)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("got %v, want an error that says %q", err, c.want)
			}
		})
	}
	all := Options{Dir: dir, TrustedRoot: "no.json", TrustedRoots: map[string]TrustedRoot{"": {File: "good.json"}, "a": {}, "b": {File: "no.json"}}}
	used := byWorkflow()
	used.Entries[0].Authorities[0].TrustedRoot = "a"
	_, err = New(used, all)
	for _, want := range []string{"trustedRoot: there is no file", "without a name", "trustedRoots.a: has neither", "trustedRoots.b.file: there is"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error that says %q", err, want)
		}
	}
	if strings.Contains(err.Error(), "none of trustedRoots") {
		t.Errorf("got %v, which says of a root that it is not there", err)
	}
	for _, address := range []string{"http://127.0.0.1:1", "http://[::1]:1/x", "http://localhost:1", "https://tuf.example/x/"} {
		o := Options{Dir: dir, TrustedRoots: map[string]TrustedRoot{"x": {TUF: address, Root: "root.json"}}}
		if _, err := New(byWorkflow(), o); err != nil {
			t.Errorf("%s: got %v", address, err)
		}
	}
}

// TestRootFromTUF wants an authority's trusted root fetched from its repository when it is needed, and not
// otherwise; without an answer, or offline, an error that says what to set.
func TestRootFromTUF(t *testing.T) {
	w, mirror, dir := newWorld(t, time.Hour), newTUF(t), t.TempDir()
	data, err := os.ReadFile(w.trustedRoot())
	noError(t, err)
	mirror.target = data
	mirror.next()
	mirror.publish()
	noError(t, os.WriteFile(filepath.Join(dir, "root.json"), mirror.first, 0o600))
	o := Options{Dir: dir, TrustedRoots: map[string]TrustedRoot{"ours": {TUF: mirror.server.URL, Root: "root.json"}}}
	p := byWorkflow()
	p.Entries[0].Authorities[0].TrustedRoot = "ours"
	v, err := New(p, o)
	noError(t, err)
	if r := mustVerify(t, v); held(r) || len(mirror.requests()) > 0 {
		t.Errorf("unsigned: got %+v, want nothing asked", r)
	}
	good := w.simple(w.identity(leaf{}), digestA, time.Minute)
	if r := mustVerify(t, v, good); !held(r) {
		t.Errorf("got %+v", r)
	}
	mirror.server.Close()
	if r := mustVerify(t, v, good); !held(r) {
		t.Errorf("got %+v, want it fetched once", r)
	}
	v, err = New(p, o)
	noError(t, err)
	wantUndecided(t, v, good, "trustedRoots.ours: the trusted root of "+mirror.server.URL+" could not be fetched", "trustedRoots.ours.file to a trusted_root.json")
	o.Offline = true
	v, err = New(p, o)
	noError(t, err)
	wantUndecided(t, v, good, "offline it is not fetched", "set trustedRoots.ours.file to a trusted_root.json")
}

// wantUndecided wants a verification to fail with an error that says all of that.
func wantUndecided(t *testing.T, v *Verifier, a image.Attachment, want ...string) {
	t.Helper()
	rules := v.matching(image.Reference{Transport: image.Registry, Host: "registry.example", Repository: "shop/web"})
	r, err := v.judge(t.Context(), t, rules, a)
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("got %+v, %v, want an error that says %q", r, err, w)
		}
	}
}
