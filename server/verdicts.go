package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/server/store"
)

// verdictStatus is the status by which a deployer who reads nothing else does the right thing.
var verdictStatus = map[gate.Verdict]int{gate.Allow: http.StatusOK, gate.Deny: http.StatusForbidden}

// api answers those who bear a token.
type api struct{ server *Server }

// route adds what the API answers to a mux.
func (a api) route(mux *http.ServeMux) {
	for pattern, answer := range map[string]func(*reader, *store.Store, http.ResponseWriter, *http.Request) error{
		"GET /v1/verdicts":               a.list,
		"GET /v1/verdicts/{image...}":    a.one,
		"POST /v1/verdicts/{image...}":   a.ask,
		"PUT /v1/deployed/{image...}":    a.deployed,
		"DELETE /v1/deployed/{image...}": a.deployed,
		"GET /v1/reports/{id}":           a.report,
		"GET /v1/sboms/{id}":             a.sbom,
	} {
		mux.Handle(pattern, a.server.observed(pattern, a.authorised(answer)))
	}
	// Not the page's: that leads to the login, and to who follows there a mistyped question would be answered by 200.
	for _, pattern := range []string{"/v1", "/v1/"} {
		mux.Handle(pattern, a.server.observed("unknown", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeError(w, http.StatusNotFound) })))
	}
}

// authorised finds out whose token a request bears.
func (a api) authorised(answer func(*reader, *store.Store, http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "private, no-cache")
		reader := whose(a.server.readers, r)
		if reader == nil {
			w.Header().Set("WWW-Authenticate", `Bearer realm="tidewaiter"`)
			writeError(w, http.StatusUnauthorized)
			return
		}
		kept := a.server.current()
		err := error(statusError{http.StatusServiceUnavailable, errAway})
		if kept != nil {
			err = answer(reader, kept, w, r)
		}
		if err == nil {
			return
		}
		status := statusOf(err)
		if errors.Is(err, store.ErrUnknown) {
			status = http.StatusNotFound
		}
		if status >= http.StatusInternalServerError {
			a.server.log.Log(r.Context(), levelOf(status, err), "a request could not be answered", "pattern", r.Pattern, "token", reader.name, "error", err)
		}
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", strconv.Itoa(comeAgain))
		}
		if status == http.StatusBadRequest { // his own words, quoted
			writeJSON(w, status, map[string]string{"error": err.Error()})
			return
		}
		writeError(w, status)
	}
}

// imageOf reads the name of an image in a request's path: host/repository@sha256:…, canonical. What the token may not
// read is as unknown as what is not there.
func imageOf(reader *reader, r *http.Request) (store.Image, error) {
	name := r.PathValue("image")
	ref, err := image.ParseReference(name)
	if err != nil {
		return store.Image{}, statusError{http.StatusBadRequest, err}
	}
	if ref.Transport != image.Registry || ref.Digest == "" || ref.Tag != "" || ref.String() != name {
		return store.Image{}, statusError{http.StatusBadRequest, errors.New("write the image by its digest, with the host of its registry: registry.example/shop/web@sha256:…")}
	}
	if !reader.may(ref.Name()) {
		return store.Image{}, store.ErrUnknown
	}
	return store.Image{Host: ref.Host, Repository: ref.Repository, Digest: ref.Digest}, nil
}

// one answers what the verdict on an image is: by the status, and by its report.
func (a api) one(reader *reader, kept *store.Store, w http.ResponseWriter, r *http.Request) error {
	img, err := imageOf(reader, r)
	if err != nil {
		return err
	}
	verdict, err := kept.Verdict(r.Context(), img)
	var pending *store.Pending
	if errors.As(err, &pending) {
		return writeReport(w, http.StatusConflict, answer{Pending: pending}, undecided(img, gate.Undecided, pending.Error()))
	}
	if err != nil {
		return err
	}
	status, known := verdictStatus[verdict.Verdict]
	if !known {
		return fmt.Errorf("verdict %s is %s, which none can be", verdict.ID, verdict.Verdict)
	}
	if status == http.StatusOK && a.server.unreadable.Load() {
		return statusError{http.StatusServiceUnavailable, errUnreadable}
	}
	tag := `"` + verdict.ID + `"`
	w.Header().Set("ETag", tag)
	if status == http.StatusOK && matches(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	if verdict.Dead || !verdict.HasReport {
		return writeReport(w, status, answer{Record: &verdict}, undecided(img, verdict.Verdict, verdict.Error))
	}
	full, err := kept.Report(r.Context(), verdict.ID)
	if err != nil {
		return err
	}
	defer full.Close()
	return writeReport(w, status, answer{Record: &verdict}, full)
}

// answer is what an answer has beside the fields of a report.
type answer struct {
	Record  *store.Verdict `json:"record,omitempty"`
	Pending *store.Pending `json:"pending,omitempty"`
}

// undecided is the report on an image that could not be judged.
func undecided(img store.Image, v gate.Verdict, why string) io.Reader {
	data, err := json.Marshal(gate.Report{Schema: gate.Schema, Verdict: v, Subjects: []gate.Subject{{
		Kind: "image", Name: img.String(), Digest: img.Digest, Verdict: v, Error: why, Findings: []gate.Finding{},
	}}})
	if err != nil {
		return strings.NewReader("") // which is no report
	}
	return strings.NewReader(string(data))
}

// writeReport writes a report, with more fields before its own. It is not read into memory.
func writeReport(w http.ResponseWriter, status int, more answer, full io.Reader) error {
	first, err := json.Marshal(more)
	if err != nil {
		return err
	}
	rest := bufio.NewReader(full)
	if c, err := rest.ReadByte(); err != nil || c != '{' {
		return errors.Join(errors.New("what is kept is no report"), err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(first[:len(first)-1], ','))
	_, _ = rest.WriteTo(w)
	return nil
}

// matches tells whether an If-None-Match names a tag (RFC 9110, 13.1.2).
func matches(header, tag string) bool {
	for one := range strings.SplitSeq(header, ",") {
		if one = strings.TrimSpace(one); one == "*" || strings.TrimPrefix(one, "W/") == tag {
			return true
		}
	}
	return false
}

// ask has an image judged again.
func (a api) ask(reader *reader, kept *store.Store, w http.ResponseWriter, r *http.Request) error {
	img, err := a.mine(reader, r)
	if err != nil {
		return err
	}
	if err := kept.Again(r.Context(), img); err != nil {
		return err
	}
	writeJSON(w, http.StatusAccepted, map[string]string{"image": img.String()})
	return nil
}

// deployed takes down that an image is deployed, or is no longer.
func (a api) deployed(reader *reader, kept *store.Store, w http.ResponseWriter, r *http.Request) error {
	img, err := a.mine(reader, r)
	if err != nil {
		return err
	}
	if err := kept.SetDeployed(r.Context(), img, r.Method == http.MethodPut); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// mine is imageOf for who wants to change something. The registry must be one that images may come from.
func (a api) mine(reader *reader, r *http.Request) (store.Image, error) {
	img, err := imageOf(reader, r)
	switch {
	case err != nil:
		return store.Image{}, err
	case !reader.ask:
		return store.Image{}, statusError{http.StatusForbidden, errors.New("the token may only read")}
	case !slices.Contains(a.server.hosts, img.Host):
		return store.Image{}, statusError{http.StatusBadRequest, fmt.Errorf("no endpoint may speak for registry %q", img.Host)}
	}
	return img, nil
}

// list answers a page of verdicts.
func (a api) list(reader *reader, kept *store.Store, w http.ResponseWriter, r *http.Request) error {
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return statusError{http.StatusBadRequest, err}
	}
	query, err := parseQuery(values)
	if err != nil {
		return statusError{http.StatusBadRequest, err}
	}
	query.May = reader.may
	page, err := kept.Verdicts(r.Context(), query)
	if err != nil {
		return err
	}
	if page.Items == nil {
		page.Items = []store.Verdict{}
	}
	writeJSON(w, http.StatusOK, page)
	return nil
}

// parameters are what a list can be asked for.
var parameters = map[string]func(*store.Query, string) error{
	"repository": func(q *store.Query, s string) error {
		ref, err := image.ParseRepository(s)
		q.Host, q.Repository = ref.Host, ref.Repository
		return err
	},
	"host":    func(q *store.Query, s string) (err error) { q.Host, err = image.ParseHost(s); return err },
	"tag":     text(func(q *store.Query) *string { return &q.Tag }),
	"digest":  text(func(q *store.Query) *string { return &q.Digest }),
	"text":    text(func(q *store.Query) *string { return &q.Text }),
	"rule":    text(func(q *store.Query) *string { return &q.Rule }),
	"after":   text(func(q *store.Query) *string { return &q.After }),
	"verdict": func(q *store.Query, s string) error { return q.Verdict.UnmarshalText([]byte(s)) },
	"dead":    func(q *store.Query, s string) (err error) { q.Dead, err = strconv.ParseBool(s); return err },
	"current": func(q *store.Query, s string) (err error) { q.Current, err = strconv.ParseBool(s); return err },
	"since":   func(q *store.Query, s string) (err error) { q.Since, err = time.Parse(time.RFC3339, s); return err },
	"until":   func(q *store.Query, s string) (err error) { q.Until, err = time.Parse(time.RFC3339, s); return err },
	"limit": func(q *store.Query, s string) (err error) {
		if q.Limit, err = strconv.Atoi(s); err == nil && q.Limit < 1 {
			err = errors.New("it is not positive")
		}
		return err
	},
}

// maxParameter bounds one parameter, in bytes.
const maxParameter = 512

func text(field func(*store.Query) *string) func(*store.Query, string) error {
	return func(q *store.Query, s string) error {
		*field(q) = s
		return nil
	}
}

// parseQuery reads the parameters of a list. One that is not known is refused: a filter that is passed over would show
// more than was asked for.
func parseQuery(values url.Values) (store.Query, error) {
	var q store.Query
	for name, all := range values {
		read, known := parameters[name]
		if !known || len(all) != 1 || len(all[0]) > maxParameter {
			return q, fmt.Errorf("parameter %.40q is not known, stands twice or is too long", name)
		}
		if !utf8.ValidString(all[0]) || strings.ContainsRune(all[0], 0) {
			return q, fmt.Errorf("parameter %s is no text", name) // each database would make something else of it
		}
		if err := read(&q, all[0]); err != nil {
			return q, fmt.Errorf("parameter %s: %s", name, report.Clean(err.Error()))
		}
	}
	return q, nil
}

// verdictID is the form of a verdict's ID.
var verdictID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func (a api) report(reader *reader, kept *store.Store, w http.ResponseWriter, r *http.Request) error {
	return evidence(reader, kept, w, r, kept.Report)
}

func (a api) sbom(reader *reader, kept *store.Store, w http.ResponseWriter, r *http.Request) error {
	return evidence(reader, kept, w, r, kept.SBOM)
}

// evidence answers a document of a verdict that the token may read.
func evidence(reader *reader, kept *store.Store, w http.ResponseWriter, r *http.Request, open opener) error {
	id := r.PathValue("id")
	if !verdictID.MatchString(id) {
		return store.ErrUnknown
	}
	verdict, err := kept.VerdictByID(r.Context(), id)
	if err != nil {
		return err
	}
	if !reader.may(verdict.Name()) {
		return store.ErrUnknown
	}
	document, err := open(r.Context(), id)
	if err != nil {
		return err
	}
	defer document.Close()
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.Copy(w, document)
	return nil
}

// opener opens a document by the ID of its verdict.
type opener func(ctx context.Context, id string) (io.ReadCloser, error)
