package server

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/image"
	"github.com/tidewaiter/tidewaiter/report"
	"github.com/tidewaiter/tidewaiter/server/store"
	"github.com/tidewaiter/tidewaiter/server/webhook"
)

// Receiver is told when a verdict changes.
type Receiver struct {
	Name string `yaml:"name"`
	// Format is webhook (the default): the notice as JSON, signed. Or slack: a text as Slack, Mattermost and others take it.
	Format string `yaml:"format"`
	// URL says where notices go, which for Slack is a secret itself: https alone.
	URL webhook.Secret `yaml:"url"`
	// Secret signs webhooks.
	Secret webhook.Secret `yaml:"secret"`
	// Internal allows plain HTTP, and an address in a private network.
	Internal bool `yaml:"internal"`
}

// The formats of notices.
const (
	webhookFormat = "webhook"
	slackFormat   = "slack"
)

func (c *Config) checkNotices() []error {
	var problems []error
	for i, n := range c.Notices {
		complain := func(key, format string, args ...any) {
			problems = append(problems, c.file.Errorf([]any{"notices", i, key}, "notices to %q: "+format, append([]any{n.Name}, args...)...))
		}
		if n.Name == "" || slices.ContainsFunc(c.Notices[:i], func(o Receiver) bool { return o.Name == n.Name }) {
			complain("name", "it has no name of its own")
		}
		switch n.Format {
		case "", webhookFormat:
			if n.Secret == (webhook.Secret{}) {
				complain("secret", "secret is missing: whoever gets a notice must be able to tell that it is ours")
			}
		case slackFormat:
			if n.Secret != (webhook.Secret{}) {
				complain("secret", "Slack cannot check a secret")
			}
		default:
			complain("format", "%q is neither webhook nor slack", n.Format)
		}
	}
	return problems
}

const (
	// noticeTime bounds one attempt to send a notice.
	noticeTime = 15 * time.Second
	// signatureHeader carries t=SECONDS,v1=HEX: the HMAC-SHA256 of the seconds, a dot and the body.
	signatureHeader = "Tidewaiter-Signature"
	// noticeHeader carries the ID of the notice, by which a repetition is told from news.
	noticeHeader = "Tidewaiter-Notice"
)

// receiver is one that was opened.
type receiver struct {
	url    string
	slack  bool
	secret []byte
	client *http.Client
}

// openReceivers reads addresses and secrets. The configuration was checked.
func (c *Config) openReceivers(o webhook.Options) (map[string]*receiver, error) {
	receivers := map[string]*receiver{}
	for i, n := range c.Notices {
		fail := func(key string, err error) error {
			return c.file.Errorf([]any{"notices", i, key}, "notices to %q: %w", n.Name, err)
		}
		address, err := n.URL.Read(o)
		if err != nil {
			return nil, fail("url", err)
		}
		target, err := url.Parse(address)
		if err != nil || target.Host == "" || target.User != nil || target.Scheme != "https" && (target.Scheme != "http" || !n.Internal) {
			return nil, fail("url", errors.New("it holds no address that begins with https:// (internal: true allows http://)"))
		}
		r := &receiver{url: address, slack: n.Format == slackFormat}
		if !r.slack {
			secret, err := n.Secret.Read(o)
			if err != nil {
				return nil, fail("secret", err)
			}
			r.secret = []byte(secret)
		}
		r.client = &http.Client{
			Transport: image.NewTransport(target.Host, n.Internal), Timeout: noticeTime,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
		receivers[n.Name] = r
	}
	return receivers, nil
}

// notify sends a notice. It is store.Options.Notify.
func (s *Server) notify(ctx context.Context, name string, n store.Notice) error {
	r, known := s.receivers[name]
	if !known {
		s.log.WarnContext(ctx, "a notice is dropped: its receiver stands no longer in the configuration", "receiver", name)
		return nil
	}
	body, err := s.noticeBody(r, n)
	if err != nil {
		return err
	}
	err = r.send(ctx, body, n.ID, s.now())
	outcome := "sent"
	if err != nil {
		outcome = "failed"
		s.log.WarnContext(ctx, "a notice could not be sent; it is tried again", "receiver", name, "notice", n.ID, "error", err)
	}
	s.metrics.notices.WithLabelValues(name, outcome).Inc()
	return err
}

func (s *Server) noticeBody(r *receiver, n store.Notice) ([]byte, error) {
	link := ""
	if s.config.URL != "" {
		link = strings.TrimSuffix(s.config.URL, "/") + "/image/" + n.Image.String()
	}
	if r.slack {
		return json.Marshal(map[string]string{"text": slackText(n, link)})
	}
	return json.Marshal(struct {
		store.Notice
		URL string `json:"url,omitempty"`
	}{n, link})
}

// slackText is a notice in a line or two of Slack's markup. Names of images hold no character that it knows, but for "_"
// and "~", which code leaves as they are.
func slackText(n store.Notice, link string) string {
	var text strings.Builder
	for _, c := range n.Changes {
		name := n.Image.String()
		if c.Tag != "" {
			name = n.Name() + ":" + c.Tag
		}
		fmt.Fprintf(&text, "%s `%s` is *%s*", map[bool]string{true: ":white_check_mark:", false: ":no_entry:"}[n.Verdict == gate.Allow], escapeSlack(name), c.To)
		if c.From != "" {
			fmt.Fprintf(&text, ", was %s", c.From)
		}
		text.WriteString("\n")
	}
	fmt.Fprintf(&text, "%d critical, %d high, %d medium, %d low", n.Findings.Critical, n.Findings.High, n.Findings.Medium, n.Findings.Low)
	if n.Error != "" {
		fmt.Fprintf(&text, ": `%s`", escapeSlack(strings.ReplaceAll(report.Clean(n.Error), "`", "'")))
	}
	if link != "" {
		fmt.Fprintf(&text, " <%s|verdict>", link)
	}
	return text.String()
}

// escapeSlack spells out the three characters that Slack reads as markup (docs.slack.dev, "Formatting message text").
func escapeSlack(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// send posts a body. Its error holds nothing of the address, which may be a secret.
func (r *receiver) send(ctx context.Context, body []byte, id string, now time.Time) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return errors.New("its address is not one")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "tidewaiter")
	if !r.slack {
		req.Header.Set(noticeHeader, id)
		req.Header.Set(signatureHeader, sign(r.secret, now, body))
	}
	resp, err := r.client.Do(req)
	if errors.Is(err, image.ErrPrivateHost) {
		return errors.New("the receiver has a private address: internal: true allows that")
	}
	if err != nil {
		return errors.New(withoutAddress(err))
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be used again
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("the receiver answers %d", resp.StatusCode)
	}
	return nil
}

// withoutAddress is the text of a client's error, which begins with the address.
func withoutAddress(err error) string {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return err.Error()
}

// sign is the value of signatureHeader.
func sign(secret []byte, now time.Time, body []byte) string {
	seconds := strconv.FormatInt(now.Unix(), 10)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(seconds + "."))
	mac.Write(body)
	return "t=" + seconds + ",v1=" + hex.EncodeToString(mac.Sum(nil))
}
