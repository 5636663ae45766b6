package page

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"time"
)

// A session says who is logged in until when. It lives in a sealed cookie, so that any replica that has the
// same key knows it and none has to keep it, but for those that were ended by hand.
type session struct {
	ID    string    `json:"id"`
	Who   string    `json:"who"`
	Until time.Time `json:"until"`
}

// Names of cookies, less what cookies.name puts before them. Each is bound to what it seals: one cannot be
// passed off as another.
const (
	sessionCookie = "tidewaiter-session"
	flowCookie    = "tidewaiter-login"
	themeCookie   = "tidewaiter-theme"
)

// maxCookie bounds what is unsealed, in characters. What we seal is far smaller.
const maxCookie = 4096

// cookies writes and reads cookies of ours.
type cookies struct {
	seal   cipher.AEAD
	secure bool // whether browsers reach us by https
}

// newCookies seals with a key of 32 bytes.
func newCookies(key []byte, secure bool) (*cookies, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	return &cookies{seal, secure}, err
}

// name is what a cookie is called in the browser. With https it has the prefix that makes browsers refuse one
// that another host, or a page without TLS, tries to plant (RFC 6265bis 4.1.3.2).
func (c *cookies) name(name string) string {
	if c.secure {
		return "__Host-" + name
	}
	return name
}

// set gives the browser a cookie for so long; a maxAge below one second takes it away.
func (c *cookies) set(w http.ResponseWriter, name, value string, maxAge time.Duration) {
	cookie := &http.Cookie{
		Name: c.name(name), Value: value, Path: "/", MaxAge: int(maxAge / time.Second),
		HttpOnly: true, Secure: c.secure, SameSite: http.SameSiteLaxMode,
	}
	if cookie.MaxAge <= 0 {
		cookie.Value, cookie.MaxAge = "", -1
	}
	http.SetCookie(w, cookie)
}

// setSealed gives the browser a cookie that it can neither read nor change.
func (c *cookies) setSealed(w http.ResponseWriter, name string, value any, maxAge time.Duration) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	sealed := c.seal.Seal(nil, nil, text, []byte(name))
	c.set(w, name, base64.RawURLEncoding.EncodeToString(sealed), maxAge)
	return nil
}

// sealed reads what setSealed wrote. Of a cookie that is there twice none counts: one of them is not ours.
func (c *cookies) sealed(r *http.Request, name string, value any) error {
	found := r.CookiesNamed(c.name(name))
	if len(found) != 1 || len(found[0].Value) > maxCookie {
		return errors.New("there is no such cookie")
	}
	sealed, err := base64.RawURLEncoding.DecodeString(found[0].Value)
	if err != nil {
		return err
	}
	text, err := c.seal.Open(nil, nil, sealed, []byte(name))
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}

// sessionKey is of the session in the context of a request that loggedIn let through.
type sessionKey struct{}

// session returns who is logged in, and whether anybody is. It looks once for each request that needs a login.
func (p *Page) session(r *http.Request) (session, bool) {
	if s, known := r.Context().Value(sessionKey{}).(session); known {
		return s, true
	}
	return p.readSession(r)
}

// readSession looks who is logged in now. Nobody is if it cannot be told whether they have logged out.
func (p *Page) readSession(r *http.Request) (session, bool) {
	var s session
	if err := p.cookies.sealed(r, sessionCookie, &s); err != nil || s.Who == "" || s.ID == "" || !p.now().Before(s.Until) {
		return session{}, false
	}
	ended, err := p.store.SessionEnded(r.Context(), s.ID)
	if err != nil && r.Context().Err() == nil {
		p.log.Error("cannot tell whether a session was ended", "error", err)
	}
	return s, err == nil && !ended
}

// begin logs somebody in and sends the browser to a page of ours.
func (p *Page) begin(w http.ResponseWriter, r *http.Request, who, next string) {
	s := session{ID: rand.Text(), Who: who, Until: p.now().Add(p.login.Session)}
	if err := p.cookies.setSealed(w, sessionCookie, s, p.login.Session); err != nil {
		p.fail(w, r, err)
		return
	}
	p.log.Info("logged in", "who", show(who), "from", r.RemoteAddr)
	http.Redirect(w, r, local(next), http.StatusSeeOther)
}

// logOut ends the session, wherever its cookie was copied to.
func (p *Page) logOut(w http.ResponseWriter, r *http.Request) {
	s, _ := p.session(r)
	if err := p.store.EndSession(r.Context(), s.ID, s.Until); err != nil {
		p.fail(w, r, err)
		return
	}
	p.log.Info("logged out", "who", show(s.Who), "from", r.RemoteAddr)
	p.cookies.set(w, sessionCookie, "", 0)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
}
