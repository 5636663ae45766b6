// Package page shows in a browser what the server judged: what was pushed, the verdicts, an image's findings with
// their evidence, its packages and its history, and scans while they run.
//
// Everything on a page that comes from a registry, an image or a manifest is hostile until shown otherwise. It gets
// into a template only as text, a type that only show makes, which spells out what hides or reorders; html/template
// escapes it again; and the policy of every answer lets no script run but the one file of ours, which makes nodes, not
// markup. Pages work without that script. Nothing but the login page and its style is served to who is not logged in,
// and who is sees everything: the page knows no tenants.
package page

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/tidewaiter/tidewaiter/server/store"
)

// Options are what New needs.
type Options struct {
	Store *store.Store
	Login Login
	// URL is the address at which browsers reach the page, its scheme and host: https://scan.example. Plain http is
	// taken for loopback only.
	URL string
	// Version is the program's, as the foot of every page shows it.
	Version string
	// Log gets who logged in and which login failed; nil is slog's default.
	Log *slog.Logger
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

// Page is the handler of all pages. It must be at the root of its host.
type Page struct {
	store     *store.Store
	login     Login
	provider  *provider // nil without OIDC
	cookies   *cookies
	guesses   throttle
	hub       *hub
	templates map[string]*template.Template
	assets    assets
	version   string
	log       *slog.Logger
	now       func() time.Time
	handler   http.Handler
}

// New makes the pages ready. It fails if nobody could log in, or somebody should not be able to.
func New(o Options) (*Page, error) {
	home, err := url.Parse(o.URL)
	if err != nil {
		return nil, fmt.Errorf("the page's url: %w", err)
	}
	if err := o.Login.check(home); err != nil {
		return nil, err
	}
	key, err := o.Login.key()
	if err != nil {
		return nil, err
	}
	p := &Page{store: o.Store, login: o.Login, version: o.Version, log: o.Log, now: o.Now, assets: readAssets()}
	if p.cookies, err = newCookies(key, home.Scheme == "https"); err != nil {
		return nil, err
	}
	if p.login.Session == 0 {
		p.login.Session = DefaultSession
	}
	if p.log == nil {
		p.log = slog.Default()
	}
	if p.now == nil {
		p.now = time.Now
	}
	if o.Login.OIDC != nil {
		p.provider = &provider{OIDC: *o.Login.OIDC, redirect: home.JoinPath("login/callback").String()}
	}
	p.hub = newHub(p.store, p.log)
	p.templates = parseTemplates()
	p.handler, err = p.routes(home)
	return p, err
}

// Run follows what the store tells and passes it on to the browsers, until ctx ends; then it ends their streams, for
// which a server that stops would wait otherwise.
func (p *Page) Run(ctx context.Context) error { return p.hub.run(ctx) }

// ServeHTTP serves a page.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }

// routes is the one list of what there is. What is not open needs a login.
func (p *Page) routes(home *url.URL) (http.Handler, error) {
	open, closed := http.NewServeMux(), http.NewServeMux()
	open.HandleFunc("GET /login", p.showLogin)
	open.HandleFunc("POST /login", p.logIn)
	open.HandleFunc("GET /login/start", p.startOIDC)
	open.HandleFunc("GET /login/callback", p.finishOIDC)
	open.HandleFunc("GET /assets/{name}", p.serveAsset)
	open.Handle("/", p.loggedIn(closed))

	closed.HandleFunc("GET /{$}", p.pushes)
	closed.HandleFunc("GET /image/{image...}", p.image)
	closed.HandleFunc("GET /verdict/{id}/{file}", p.download)
	closed.HandleFunc("GET /queue", p.queue)
	closed.HandleFunc("POST /again", p.again)
	closed.HandleFunc("GET /live", p.live)
	closed.HandleFunc("POST /logout", p.logOut)
	closed.HandleFunc("POST /theme", p.setTheme)
	closed.HandleFunc("/", p.notFound)

	forgery := http.NewCrossOriginProtection()
	if err := forgery.AddTrustedOrigin(home.Scheme + "://" + home.Host); err != nil {
		return nil, fmt.Errorf("the page's url: %w", err)
	}
	return guarded(forgery.Handler(open)), nil
}

// policy lets a page use what we serve and nothing else. No markup is made from strings at run time
// (trusted types).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'; " +
	"require-trusted-types-for 'script'; trusted-types 'none'"

// maxBody bounds what a form of ours can send, in bytes.
const maxBody = 16 << 10

// guarded puts on every answer what keeps browsers from doing more with it than showing it.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{
			"Content-Security-Policy":      policy,
			"X-Content-Type-Options":       "nosniff",
			"X-Frame-Options":              "DENY",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
			"Cache-Control":                "no-store",
		} {
			w.Header().Set(name, value)
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// loggedIn lets through who is logged in. Others are sent to log in if that can lead back to a page.
func (p *Page) loggedIn(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, in := p.session(r)
		switch {
		case in:
			next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), sessionKey{}, s)))
		case r.Method != http.MethodGet && r.Method != http.MethodHead || r.URL.Path == "/live":
			http.Error(w, "log in first", http.StatusUnauthorized)
		default:
			to := "/login"
			if wanted := local(r.URL.RequestURI()); wanted != "/" {
				to += "?next=" + url.QueryEscape(wanted)
			}
			http.Redirect(w, r, to, http.StatusSeeOther)
		}
	})
}

//go:embed assets
var assetFiles embed.FS

// An asset is a file that pages refer to.
type asset struct {
	content []byte
	kind    string
	open    bool // served to who is not logged in
}

// assets are ours by the name that they are served under, which holds the digest of the content: a new program never
// runs with an old style. Style and Script are those names.
type assets struct {
	files         map[string]asset
	Style, Script string
}

func readAssets() assets {
	a := assets{files: map[string]asset{}}
	a.Style = a.add("style", "css", "text/css; charset=utf-8", true)
	a.Script = a.add("page", "js", "text/javascript; charset=utf-8", false)
	a.files["icon.svg"] = asset{read("icon.svg"), "image/svg+xml", true}
	return a
}

func (a assets) add(name, extension, kind string, open bool) string {
	content := read(name + "." + extension)
	sum := sha256.Sum256(content)
	served := name + "." + hex.EncodeToString(sum[:6]) + "." + extension
	a.files[served] = asset{content, kind, open}
	return served
}

// read returns an embedded asset, which is there: the compiler put it there.
func read(name string) []byte {
	content, err := assetFiles.ReadFile("assets/" + name)
	if err != nil {
		panic(err)
	}
	return content
}

func (p *Page) serveAsset(w http.ResponseWriter, r *http.Request) {
	found, ok := p.assets.files[r.PathValue("name")]
	if ok && !found.open {
		_, ok = p.session(r)
	}
	if !ok {
		p.notFound(w, r)
		return
	}
	w.Header().Set("Content-Type", found.kind)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(found.content))
}
