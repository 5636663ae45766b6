package page

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/server/store"
)

//go:embed templates
var templateFiles embed.FS

// parseTemplates returns the templates by name: each file that defines "main" with what all pages share.
func parseTemplates() map[string]*template.Template {
	functions := template.FuncMap{"thousands": report.Thousands}
	shared := template.Must(template.New("").Funcs(functions).ParseFS(templateFiles, "templates/base.html", "templates/scan.html", "templates/evidence.html"))
	pages := map[string]*template.Template{}
	for _, name := range []string{"login", "message", "pushes", "image", "queue"} {
		pages[name] = template.Must(template.Must(shared.Clone()).ParseFS(templateFiles, "templates/"+name+".html"))
	}
	return pages
}

// A frame is what surrounds every page. Who is empty on those that need no login.
type frame struct {
	Title   text
	Place   string // which entry of the menu it is
	Who     text
	Theme   string // "light", "dark" or, for the system's, empty
	Here    string // the address of the page, for forms that come back to it
	Lists   int64  // the hub's number of the lists that it shows
	Waiting int    // events and images that have no verdict yet

	Style, Script, Version string
}

func (p *Page) frame(r *http.Request, title text) frame {
	f := frame{
		Title: title, Theme: p.theme(r), Here: local(r.URL.RequestURI()),
		Style: p.assets.Style, Script: p.assets.Script, Version: p.version,
	}
	s, in := p.session(r)
	if !in {
		return f
	}
	f.Who, f.Lists = show(s.Who), p.hub.version()
	if stats, err := p.store.Stats(r.Context()); err == nil { // a page is worth showing without this number
		f.Waiting = stats.Events + stats.Queued + stats.Running + stats.Retrying
	}
	return f
}

// render writes a page, or, if that fails, nothing of it.
func (p *Page) render(w http.ResponseWriter, r *http.Request, status int, name string, view any) {
	var page bytes.Buffer
	if err := p.templates[name].ExecuteTemplate(&page, "page", view); err != nil {
		p.log.Error("a page cannot be written", "page", name, "error", show(err.Error()))
		http.Error(w, "this page cannot be shown", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = page.WriteTo(w) // who asked has gone
	}
}

// messageView is a page that only says something.
type messageView struct {
	frame
	Words text
}

func (p *Page) say(w http.ResponseWriter, r *http.Request, status int, title, words text) {
	p.render(w, r, status, "message", messageView{p.frame(r, title), words})
}

func (p *Page) notFound(w http.ResponseWriter, r *http.Request) {
	p.say(w, r, http.StatusNotFound, "Not found", "There is nothing under this address: it was mistyped, or what it showed is older than what is kept.")
}

// badRequest is the answer to an address, or a form, that nobody can have got from us.
func (p *Page) badRequest(w http.ResponseWriter, r *http.Request, why text) {
	p.say(w, r, http.StatusBadRequest, "That cannot be asked", why)
}

// fail answers for the store. The error itself is for the log.
func (p *Page) fail(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, store.ErrUnknown) {
		p.notFound(w, r)
		return
	}
	if r.Context().Err() != nil {
		return // who asked has gone
	}
	if errors.Is(err, store.ErrBusy) {
		w.Header().Set("Retry-After", "10")
		p.say(w, r, http.StatusServiceUnavailable, "Too much waits", "The queue is full. Ask again when some of it has been judged.")
		return
	}
	p.log.Error("a page cannot be shown", "path", show(r.URL.Path), "error", show(err.Error()))
	p.say(w, r, http.StatusInternalServerError, "This cannot be shown now", "What is kept could not be read. The server's log says why; verdicts are not affected.")
}

// themes are what setTheme takes besides the system's.
var themes = map[string]bool{"light": true, "dark": true}

// themeLife is how long a choice of colours holds.
const themeLife = 400 * 24 * time.Hour

func (p *Page) theme(r *http.Request) string {
	cookie, err := r.Cookie(p.cookies.name(themeCookie))
	if err != nil || !themes[cookie.Value] {
		return ""
	}
	return cookie.Value
}

func (p *Page) setTheme(w http.ResponseWriter, r *http.Request) {
	theme, life := r.PostFormValue("theme"), themeLife
	if !themes[theme] {
		theme, life = "", 0
	}
	p.cookies.set(w, themeCookie, theme, life)
	http.Redirect(w, r, local(r.PostFormValue("next")), http.StatusSeeOther)
}
