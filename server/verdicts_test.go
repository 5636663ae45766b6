package server

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestVerdicts(t *testing.T) {
	r := start(t, "")
	allowed, denied, foreign := r.push("shop/web", "1"), r.push("shop/deny", "2"), r.push("other/web", "3")
	body := r.await("GET", "/v1/verdicts/"+allowed, readerToken, http.StatusOK)
	var got struct {
		Schema, Verdict string
		Subjects        []struct{ Name string }
		Record          record
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || got.Verdict != "allow" || got.Record.Verdict != "allow" || got.Schema == "" || got.Subjects[0].Name != allowed {
		t.Errorf("got %s: %v", body, err)
	}
	if body := r.await("GET", "/v1/verdicts/"+denied, readerToken, http.StatusForbidden); !strings.Contains(body, "nobody signed it") {
		t.Errorf("got %s", body)
	}
	id := recordOf(t, r.await("GET", "/v1/verdicts/"+foreign, adminToken, http.StatusOK)).ID
	for _, test := range []struct {
		method, path, token string
		want                int
	}{
		{"GET", "/v1/verdicts/" + allowed, "", 401},
		{"GET", "/v1/verdicts/" + allowed, readerToken + "x", 401},
		{"GET", "/v1/verdicts/" + foreign, readerToken, 404},
		{"GET", "/v1/reports/" + id, readerToken, 404},
		{"GET", "/v1/sboms/" + id, readerToken, 404},
		{"GET", "/v1/reports/" + id, adminToken, 200},
		{"GET", "/v1/sboms/" + id, adminToken, 200},
		{"GET", "/v1/reports/" + strings.ToUpper(id), adminToken, 404},
		{"GET", "/v1/reports/" + id + "%2e", adminToken, 404},
		{"GET", "/v1/reports/../config", adminToken, 404},
		{"GET", "/v1/reports//x", adminToken, 404},
		{"GET", "/v1/reports/%2e%2e", adminToken, 404},
		{"GET", "/v1/verdicts/registry.example%2fshop/web@" + digestOf("1"), adminToken, 404},
		{"GET", "/v1/verdicts/registry.example/../registry.example/shop/web@" + digestOf("1"), adminToken, 404},
		{"GET", "/v1/verdicts/registry.example/shop/web@sha256%3A" + digestOf("1")[7:], adminToken, 200},
		{"GET", "/v1/verdicts/REGISTRY.example/shop/web@" + digestOf("1"), adminToken, 400},
		{"GET", "/v1/verdicts/shop/web@" + digestOf("1"), adminToken, 400},
		{"GET", "/v1/verdicts/registry.example/shop/web:1", adminToken, 400},
		{"GET", "/v1/verdicts/registry.example/shop/web:1@" + digestOf("1"), adminToken, 400},
		{"GET", "/v1/verdicts/registry.example/shop/web@sha256:../../etc/passwd", adminToken, 404},
		{"GET", "/v1/verdicts/oci:/etc@" + digestOf("1"), adminToken, 400},
		{"GET", "/v1/verdicts/registry.example/shop/never@" + digestOf("1"), adminToken, 404},
		{"POST", "/v1/verdicts/" + allowed, readerToken, 403},
		{"POST", "/v1/verdicts/evil.test/shop/web@" + digestOf("1"), adminToken, 400},
		{"PUT", "/v1/deployed/" + allowed, readerToken, 403},
		{"PUT", "/v1/deployed/" + allowed, adminToken, 204},
		{"DELETE", "/v1/deployed/" + allowed, adminToken, 204},
		{"DELETE", "/v1/verdicts/" + allowed, adminToken, 404},
	} {
		resp, body := r.do(test.method, test.path, test.token, "")
		if resp.StatusCode != test.want {
			t.Errorf("%s %s: got %d, want %d: %s", test.method, test.path, resp.StatusCode, test.want, body)
		}
		if test.want == 401 && resp.Header.Get("WWW-Authenticate") == "" {
			t.Errorf("%s: nobody is told how to log in", test.path)
		}
	}
}

// TestMistypedQuestion: what the API does not have is not the page's, whose login would answer 200 to who follows there.
func TestMistypedQuestion(t *testing.T) {
	r := start(t, "login: {tokens: [{name: me, secret: {env: PERSON}}]}\n")
	for _, path := range []string{"/v1", "/v1/", "/v1/verdict/registry.example/shop/web@" + digestOf("1"), "/v1/reports", "/v1/nothing"} {
		for _, method := range []string{"GET", "HEAD", "PUT"} {
			if resp, body := r.do(method, path, adminToken, ""); resp.StatusCode != http.StatusNotFound {
				t.Errorf("%s %s: got %d %s", method, path, resp.StatusCode, body)
			}
		}
	}
}

// TestPending: what has no verdict yet is undecided, in the form of a report.
func TestPending(t *testing.T) {
	r := start(t, "")
	if err := r.current().Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	ref := r.push("shop/web", "1")
	resp, body := r.do("GET", "/v1/verdicts/"+ref, adminToken, "")
	if resp.StatusCode != http.StatusConflict || !strings.Contains(body, `"verdict":"undecided"`) || !strings.Contains(body, `"pending":{`) {
		t.Errorf("got %d %s", resp.StatusCode, body)
	}
	if resp.Header.Get("ETag") != "" {
		t.Error("what may change has a tag")
	}
}

// TestETag: an allowed verdict that is known is not sent again; a denial always is, because 304 would hide it.
func TestETag(t *testing.T) {
	r := start(t, "")
	for name, want := range map[string]int{"shop/web": http.StatusNotModified, "shop/deny": http.StatusForbidden} {
		ref := r.push(name, "1")
		r.await("GET", "/v1/verdicts/"+ref, adminToken, map[string]int{"shop/web": 200, "shop/deny": 403}[name])
		resp, _ := r.do("GET", "/v1/verdicts/"+ref, adminToken, "")
		tag := resp.Header.Get("ETag")
		for _, header := range []string{tag, "W/" + tag, `"x", ` + tag, "*"} {
			if resp, body := r.do("GET", "/v1/verdicts/"+ref, adminToken, "", "If-None-Match", header); resp.StatusCode != want || want == 304 && body != "" {
				t.Errorf("%s, If-None-Match %s: got %d %s", name, header, resp.StatusCode, body)
			}
		}
		if resp, _ := r.do("GET", "/v1/verdicts/"+ref, adminToken, "", "If-None-Match", `"x"`); resp.StatusCode == 304 {
			t.Errorf("%s: another tag matches", name)
		}
	}
}

func TestAsk(t *testing.T) {
	r := start(t, "")
	ref := "registry.example/shop/web@" + digestOf("asked")
	if resp, body := r.do("POST", "/v1/verdicts/"+ref, adminToken, ""); resp.StatusCode != http.StatusAccepted {
		t.Fatalf("got %d %s", resp.StatusCode, body)
	}
	if got := recordOf(t, r.await("GET", "/v1/verdicts/"+ref, adminToken, http.StatusOK)); got.Reason != "asked" {
		t.Errorf("got %+v", got)
	}
}

func TestList(t *testing.T) {
	r := start(t, "")
	for _, name := range []string{"shop/web", "shop/deny", "other/web"} {
		r.await("GET", "/v1/verdicts/"+r.push(name, name), adminToken, map[bool]int{true: 403, false: 200}[name == "shop/deny"])
	}
	list := func(token, query string) (names []string, next string) {
		t.Helper()
		resp, body := r.do("GET", "/v1/verdicts?"+query, token, "")
		var page struct {
			Items []struct{ Repository string }
			Next  string
		}
		if err := json.Unmarshal([]byte(body), &page); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: got %d %s", query, resp.StatusCode, body)
		}
		for _, item := range page.Items {
			names = append(names, item.Repository)
		}
		return names, page.Next
	}
	for query, want := range map[string]string{
		"": "other/web shop/deny shop/web", "verdict=deny": "shop/deny", "repository=registry.example/shop/web": "shop/web",
		"text=DENY": "shop/deny", "rule=image/unsigned": "shop/deny", "host=registry.example&limit=1": "other/web",
		"since=2100-01-01T00:00:00Z": "", "digest=" + digestOf("shop/web"): "shop/web", "host=ghcr.io": "",
	} {
		if names, _ := list(adminToken, query); strings.Join(names, " ") != want {
			t.Errorf("%s: got %q, want %q", query, names, want)
		}
	}
	if names, _ := list(readerToken, ""); strings.Join(names, " ") != "shop/deny shop/web" {
		t.Errorf("a token of shop/** sees %q", names)
	}
	var all []string
	for next := "limit=1"; next != ""; {
		names, after := list(adminToken, next)
		if all = append(all, names...); after == "" {
			break
		}
		next = "limit=1&after=" + url.QueryEscape(after)
	}
	if len(all) != 3 {
		t.Errorf("page by page: got %q", all)
	}
	for _, query := range []string{"repo=x", "verdict=maybe", "limit=0", "limit=x", "since=yesterday", "tag=a&tag=b", "repository=../x", "text=" + strings.Repeat("x", 600), "verdict=deny;x=y", "verdict=deny&text=%zz", "text=%00", "tag=%ff"} {
		if resp, body := r.do("GET", "/v1/verdicts?"+query, adminToken, ""); resp.StatusCode != http.StatusBadRequest || len(body) > 1000 {
			t.Errorf("%s: got %d %s", query, resp.StatusCode, body)
		}
	}
}
