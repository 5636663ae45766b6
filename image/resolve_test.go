package image

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

func TestIndex(t *testing.T) {
	h := newHostile(t)
	attestation := func(claim map[string]any, layerType string) map[string]any {
		d := h.image(t, "unknown/unknown", func(m map[string]any) {
			layer := m["layers"].([]any)[0].(map[string]any)
			layer["mediaType"] = layerType
		})
		return wire(d, claim)
	}
	claims := map[string]any{
		"annotations": map[string]any{"vnd.docker.reference.type": "attestation-manifest"},
		"platform":    map[string]any{"os": "unknown", "architecture": "unknown"},
	}
	nested := h.index(t, []map[string]any{wire(h.image(t, "linux/s390x", nil), on("linux/s390x"))})
	amd := h.image(t, "linux/amd64", nil)
	evil := h.image(t, "linux/amd64", func(m map[string]any) { m["annotations"] = map[string]any{"evil": "yes"} })
	h.index(t, []map[string]any{
		wire(evil), // without a platform: go-containerregistry would take it for any
		wire(amd, on("linux/amd64")),
		wire(amd, on("linux/amd64")),
		wire(h.image(t, "linux/arm64", nil), on("windows/amd64")),
		wire(nested),
		attestation(claims, "application/vnd.in-toto+json"),
		attestation(claims, "application/vnd.oci.image.layer.v1.tar"), // claims, and holds files
		attestation(on("linux/riscv64"), "application/spdx+json"),
	}, "t")
	img, err := h.pull(t, &Client{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range img.Platforms {
		got = append(got, p.Name)
	}
	want := []string{"linux/amd64", "linux/amd64", "linux/arm64", "linux/s390x", "unknown/unknown"}
	if !slices.Equal(got, want) {
		t.Errorf("platforms %q, want %q", got, want)
	}
	if img.MediaType != ociIndex || img.Platforms[0].Digest != evil.Digest {
		t.Errorf("%s, %s", img.MediaType, img.Platforms[0].Digest)
	}
	wantNote(t, img.Notes, "more than once")
	wantNote(t, img.Notes, "more than one image for \"linux/amd64\"")
	wantNote(t, img.Notes, "it holds attestations")
	wantNote(t, img.Platforms[2].Notes, `"windows/amd64"`)
}

func wantNote(t testing.TB, notes []string, want string) {
	t.Helper()
	if !slices.ContainsFunc(notes, func(n string) bool { return strings.Contains(n, want) }) {
		t.Errorf("notes %q, want one with %q", notes, want)
	}
}

func TestPlatformFilter(t *testing.T) {
	h := newHostile(t)
	h.index(t, []map[string]any{
		wire(h.image(t, "linux/amd64", nil), on("linux/amd64")),
		wire(h.image(t, "linux/arm64", nil), on("linux/arm64")),
		wire(h.image(t, "linux/arm64", func(m map[string]any) { m["annotations"] = map[string]any{"a": "b"} }), on("linux/amd64")),
	}, "t")
	for _, tt := range []struct {
		platforms []string
		want      int
		err       string
	}{
		{nil, 3, ""},
		{[]string{"all"}, 3, ""},
		{[]string{"linux/arm64"}, 2, ""},
		{[]string{"linux/arm64/v8"}, 2, ""},
		{[]string{"linux/amd64"}, 2, ""}, // by its configuration, and by what the index says
		{[]string{"linux/amd64", "linux/arm64"}, 3, ""},
		{[]string{"linux/arm64/v7"}, 0, `there are: "linux/amd64", "linux/arm64"`},
		{[]string{"windows/amd64"}, 0, "the wanted platform is not found"},
		{[]string{"linux"}, 0, "write os/arch"},
		{[]string{"linux/"}, 0, "write os/arch"},
	} {
		img, err := h.pull(t, &Client{Platforms: tt.platforms})
		if tt.err != "" {
			wantError(t, err, tt.err)
			continue
		}
		if err != nil || len(img.Platforms) != tt.want {
			t.Errorf("%v: %+v, %v, want %d platforms", tt.platforms, img, err, tt.want)
		}
	}
}

// TestMediaTypes is MAN-05 and MAN-06: one body, said to be many things.
func TestMediaTypes(t *testing.T) {
	h := newHostile(t)
	var image, nameless, both map[string]any
	h.image(t, "linux/amd64", func(m map[string]any) {
		image = m
		nameless = map[string]any{"schemaVersion": 2, "config": m["config"], "layers": m["layers"]}
		both = map[string]any{"schemaVersion": 2, "config": m["config"], "layers": m["layers"], "manifests": []any{}}
	})
	with := func(m map[string]any, key string, value any) map[string]any {
		out := map[string]any{key: value}
		for k, v := range m {
			if k != key {
				out[k] = v
			}
		}
		return out
	}
	for name, tt := range map[string]struct {
		contentType string
		body        any
		want        string
	}{
		"agree":               {ociManifest, image, ""},
		"parameter":           {ociManifest + "; charset=utf-8", image, ""},
		"body alone":          {"", image, ""},
		"header alone":        {ociManifest, nameless, ""},
		"header alone docker": {dockerSchema, nameless, ""},
		"disagree":            {ociIndex, image, "its source"},
		"json":                {"application/json", image, "its source"},
		"json alone":          {"application/json", nameless, "unknown media type"},
		"neither":             {"", nameless, "neither"},
		"garbage":             {"a b;;", image, "media type"},
		"index of layers":     {ociIndex, nameless, "others may read it"},
		"both":                {ociManifest, both, "others may read it"},
		"both as index":       {ociIndex, both, "others may read it"},
		"schema 1":            {"application/vnd.docker.distribution.manifest.v1+prettyjws", map[string]any{"schemaVersion": 1, "fsLayers": []any{}}, "schema 1"},
		"schema 1 inside":     {ociManifest, with(nameless, "fsLayers", []any{}), "others may read it"},
		"artifact manifest":   {"application/vnd.oci.artifact.manifest.v1+json", map[string]any{"blobs": []any{}}, "unknown media type"},
		"helm chart":          {ociManifest, with(nameless, "config", with(image["config"].(map[string]any), "mediaType", "application/vnd.cncf.helm.config.v1+json")), "is not an image's"},
		"no config":           {ociManifest, map[string]any{"layers": []any{}}, "without a configuration"},
		"other case":          {ociManifest, with(nameless, "Layers", []any{}), "in another case"},
		"long s":              {ociManifest, with(nameless, "layer\u017f", []any{}), "in another case"},
		"not an object":       {ociManifest, []any{}, "not a JSON object"},
		"wrong type":          {ociManifest, with(nameless, "layers", 5), "unscannable"},
	} {
		t.Run(name, func(t *testing.T) {
			h.put(tt.contentType, mustJSON(t, tt.body), "t")
			_, err := h.pull(t, &Client{})
			if tt.want == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			wantError(t, err, tt.want)
			wantError(t, err, "unscannable")
		})
	}
	for name, body := range map[string]string{
		"twice":    `{"schemaVersion":2,"config":{},"config":{},"layers":[]}`,
		"trailing": `{"schemaVersion":2} {}`,
		"deep":     strings.Repeat(`{"x":`, 100) + "1" + strings.Repeat("}", 100),
		"html":     "<html>",
		"empty":    "",
	} {
		t.Run(name, func(t *testing.T) {
			h.put(ociManifest, []byte(body), "t")
			_, err := h.pull(t, &Client{})
			wantError(t, err, "unscannable")
		})
	}
}

// TestDescriptors is REG-08, REG-09, REG-10, MAN-09 and MAN-16: descriptors that lie.
func TestDescriptors(t *testing.T) {
	h := newHostile(t)
	config := func(key string, value any) func(map[string]any) {
		return func(m map[string]any) { m["config"].(map[string]any)[key] = value }
	}
	layer := func(key string, value any) func(map[string]any) {
		return func(m map[string]any) { m["layers"].([]any)[0].(map[string]any)[key] = value }
	}
	layers := func(n int) func(map[string]any) {
		return func(m map[string]any) { m["layers"] = slices.Repeat(m["layers"].([]any), n) }
	}
	for name, tt := range map[string]struct {
		change func(map[string]any)
		want   string
	}{
		"config too large":     {config("size", 1<<30), "the configuration exceeds the limit of 8388608 bytes"},
		"config shorter":       {config("size", 10000), "ends after"},
		"config longer":        {config("size", 10), "more than the 10 bytes"},
		"config of nothing":    {config("size", 0), "is said to have 0 bytes"},
		"negative":             {config("size", -1), "is said to have -1 bytes"},
		"absurd":               {layer("size", int64(1)<<62), "is said to have"},
		"beyond int64":         {layer("size", 1e30), "unscannable"},
		"layers too large":     {layer("size", int64(6)<<30), "the size of all layers exceeds the limit of 5368709120 bytes"},
		"too many layers":      {layers(513), "the number of layers exceeds the limit of 512"},
		"diff IDs":             {layers(2), "2 layers, and 1 diff IDs"},
		"traversal":            {config("digest", "sha256:../../etc/passwd"), "64 lower-case"},
		"upper case":           {config("digest", "sha256:"+strings.ToUpper(hexA)), "64 lower-case"},
		"md5":                  {config("digest", "md5:"+hexA[:32]), "not of sha256"},
		"sha512":               {layer("digest", "sha512:"+hexA+hexA), "not of sha256"},
		"empty digest":         {layer("digest", ""), "not of sha256"},
		"missing blob":         {config("digest", digestA), "not found"},
		"other blob":           {func(m map[string]any) { m["config"], m["layers"].([]any)[0] = m["layers"].([]any)[0], m["config"] }, "is not an image's"},
		"subject with no hash": {func(m map[string]any) { m["subject"] = map[string]any{"digest": "x"} }, "not of sha256"},
	} {
		t.Run(name, func(t *testing.T) {
			h.image(t, "linux/amd64", tt.change, "t")
			_, err := h.pull(t, &Client{})
			wantError(t, err, tt.want)
		})
	}
	t.Run("inline data", func(t *testing.T) {
		h.image(t, "linux/amd64", config("data", base64.StdEncoding.EncodeToString([]byte(`{"os":"evil"}`))), "t")
		_, err := h.pull(t, &Client{})
		wantError(t, err, "data in the place of")
		h.image(t, "linux/amd64", config("data", "no base64"), "t")
		_, err = h.pull(t, &Client{})
		wantError(t, err, "unscannable")
		h.image(t, "linux/amd64", func(m map[string]any) {
			empty := h.putBlob(ociConfig, []byte(`{}`))
			empty.Data = []byte(`{}`)
			m["subject"] = empty // as registries' tools inline the empty descriptor
		}, "t")
		if _, err := h.pull(t, &Client{}); err != nil {
			t.Errorf("data that are what the digest names: %v", err)
		}
	})
}

func TestConfigRefuses(t *testing.T) {
	h := newHostile(t)
	diffIDs := fmt.Sprintf(`"rootfs":{"diff_ids":[%q]}`, digestA)
	for name, tt := range map[string]struct{ config, want string }{
		"twice":        {`{"os":"linux","os":"linux",` + diffIDs + `}`, "stands twice"},
		"twice inside": {`{"config":{"User":"1000","user":"root"},` + diffIDs + `}`, "in another case"},
		"case":         {`{"Config":{"User":"0"},` + diffIDs + `}`, "in another case"},
		"type":         {`{"config":{"Entrypoint":"sh"},` + diffIDs + `}`, "unscannable"},
		"diff ID":      {`{"rootfs":{"diff_ids":["sha256:x"]}}`, "diff ID"},
		"empty":        {`{}`, "1 layers, and 0 diff IDs"},
		"array":        {`[]`, "unscannable"},
		"labels":       {`{"config":{"Labels":{"a":"1","a":"2"}},` + diffIDs + `}`, "stands twice"},
	} {
		t.Run(name, func(t *testing.T) {
			h.image(t, "linux/amd64", func(m map[string]any) { m["config"] = wire(h.putBlob(ociConfig, []byte(tt.config))) }, "t")
			_, err := h.pull(t, &Client{})
			wantError(t, err, tt.want)
		})
	}
	h.image(t, "linux/amd64", func(m map[string]any) {
		m["config"] = wire(h.putBlob(ociConfig, []byte(`{"created":"soon","config":{"Labels":{"Size":"1","size":"2","OS":"x"},"ExposedPorts":{"80/tcp":{}}},`+diffIDs+`}`)))
	}, "t")
	img, err := h.pull(t, &Client{})
	if err != nil {
		t.Fatal(err)
	}
	if p := img.Platforms[0]; p.Name != "unknown/unknown" || len(p.Config.Labels) != 3 || p.Config.ExposedPorts[0] != "80/tcp" || !p.Config.Created.IsZero() {
		t.Errorf("%+v", p)
	}
}

func TestIndexLimits(t *testing.T) {
	h := newHostile(t)
	var many []map[string]any
	for i := range 101 {
		many = append(many, wire(h.image(t, "linux/amd64", func(m map[string]any) { m["annotations"] = map[string]any{"n": fmt.Sprint(i)} })))
	}
	h.index(t, many, "t")
	_, err := h.pull(t, &Client{})
	wantError(t, err, "the number of manifests in the index exceeds the limit of 100")

	d := h.image(t, "linux/amd64", nil)
	for i := range 4 {
		d = h.index(t, []map[string]any{wire(d)}, fmt.Sprint("depth", i+1))
	}
	for depth, want := range map[int]string{3: "", 4: "the nesting of indexes exceeds the limit of 3 levels"} {
		h.manifests["t"] = h.manifests[fmt.Sprint("depth", depth)]
		if _, err := h.pull(t, &Client{}); want != "" {
			wantError(t, err, want)
		} else if err != nil {
			t.Error(err)
		}
	}

	for name, tt := range map[string]struct {
		child map[string]any
		want  string
	}{
		"too large":    {resized(many[0], 5<<20), "exceeds the limit of 4194304 bytes"},
		"size":         {resized(many[0], 10), "says 10"},
		"missing":      {map[string]any{"mediaType": ociManifest, "digest": digestA, "size": 10}, "not found"},
		"unknown type": {map[string]any{"mediaType": "application/x-foo", "digest": many[0]["digest"], "size": many[0]["size"]}, "what names it says"},
		"other type":   {map[string]any{"mediaType": dockerSchema, "digest": many[0]["digest"], "size": many[0]["size"]}, "what names it says"},
	} {
		t.Run(name, func(t *testing.T) {
			h.index(t, []map[string]any{tt.child}, "t")
			_, err := h.pull(t, &Client{})
			wantError(t, err, tt.want)
		})
	}
	h.index(t, []map[string]any{}, "t")
	_, err = h.pull(t, &Client{})
	wantError(t, err, "names no image that could run")
}

// TestDigestLies: what is sent for a digest, or under a header, has another one.
func TestDigestLies(t *testing.T) {
	h := newHostile(t)
	good, evil := h.image(t, "linux/amd64", nil, "t"), h.image(t, "linux/arm64", nil)
	h.manifests[good.Digest] = h.manifests[evil.Digest]
	c := Client{PlainHTTP: []string{h.host}, Keychain: noCredentials{}}
	_, err := c.Pull(t.Context(), mustParse(t, h.host+"/x@"+good.Digest))
	wantError(t, err, "what was sent has the digest "+evil.Digest)
	h.index(t, []map[string]any{wire(good)}, "t")
	_, err = c.Pull(t.Context(), mustParse(t, h.host+"/x:t"))
	wantError(t, err, "what was sent has the digest "+evil.Digest)

	for header, want := range map[string]string{"Docker-Content-Digest": "the header says", "Content-Encoding": "Content-Encoding"} {
		_, err = pullFrom(t, &Client{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set(header, map[string]string{"Docker-Content-Digest": digestA, "Content-Encoding": "gzip"}[header])
			w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
			w.Write(h.manifests[evil.Digest].body)
		}))
		wantError(t, err, want)
	}
}

// TestTagMoves is MAN-01: after the first answer, only the digest is asked for.
func TestTagMoves(t *testing.T) {
	h := newHostile(t)
	h.index(t, []map[string]any{wire(h.image(t, "linux/amd64", nil))}, "t")
	img, err := h.pull(t, &Client{})
	if err != nil {
		t.Fatal(err)
	}
	delete(h.manifests, "t")
	if _, err := img.Attachments(t.Context(), img.Digest, ""); err != nil {
		t.Error(err)
	}
	if f, err := img.Platforms[0].Files(t.Context(), Options{}); err != nil {
		t.Error(err)
	} else {
		f.Close()
	}
	var byTag int
	for _, r := range h.requests {
		if strings.HasSuffix(r.URL.Path, "/manifests/t") {
			byTag++
		}
	}
	if byTag != 1 {
		t.Errorf("the tag was asked for %d times, want 1", byTag)
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"schemaVersion":2,"mediaType":"`+ociManifest+`","config":{"mediaType":"x","digest":"`+digestA+`","size":1},"layers":[]}`), "")
	f.Add([]byte(`{"manifests":[{"mediaType":"x","digest":"`+digestA+`","size":1}]}`), ociIndex+"; a=b")
	f.Add([]byte(`{"Layers":[]}`), dockerSchema)
	f.Fuzz(func(t *testing.T, raw []byte, mediaType string) {
		m, err := parseManifest(raw, mediaType)
		if err != nil {
			wantError(t, err, "unscannable")
			return
		}
		if m.isIndex() == (m.Config != nil) || m.isIndex() && m.Layers != nil || !m.isIndex() && m.Manifests != nil {
			t.Errorf("%s is neither image nor index: %+v", raw, m)
		}
		for _, d := range slices.Concat(m.Layers, m.Manifests) {
			if checkDigest(d.Digest) != nil || d.Size <= 0 {
				t.Errorf("a descriptor that was not checked: %+v", d)
			}
		}
	})
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte(`{"os":"linux","config":{"Env":["A=b"],"Healthcheck":{"Test":["NONE"]}},"rootfs":{"diff_ids":["` + digestA + `"]},"history":[{"created_by":"x"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := parseConfig(raw)
		if err != nil {
			wantError(t, err, "unscannable")
			return
		}
		if n := len(c.RootFS.DiffIDs); len(c.createdBy(n)) != n {
			t.Errorf("%d diff IDs, %d history entries", n, len(c.createdBy(n)))
		}
		if c.facts().OS != c.OS || strings.Count(c.name(), "/") < 1 {
			t.Errorf("%s: name %q", raw, c.name())
		}
	})
}

// resized is a descriptor that says another size.
func resized(d map[string]any, size int) map[string]any {
	return map[string]any{"mediaType": d["mediaType"], "digest": d["digest"], "size": size}
}
