package page

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidewaiter/tidewaiter/gate"
	"github.com/tidewaiter/tidewaiter/server/store"
)

// A filter is what the form over the list asks for, as its fields show it again.
type filter struct {
	Text, Repository, Tag, Rule, Verdict, Since, Until text
	After                                              string
	query                                              store.Query
}

// field is one of the form's: its name in addresses, and the most bytes that it can have.
var fields = map[string]int{
	"q": 200, "repository": 300, "tag": 128, "rule": 200, "verdict": 10, "since": 10, "until": 10, "after": 512,
}

// unjudged is the verdict of the filter for what nobody could judge, which the store keeps as denied.
const unjudged = "undecided"

// parseFilter reads the form. An error is in words for who wrote the address.
func parseFilter(form url.Values) (filter, error) {
	for name, most := range fields {
		if value := form.Get(name); len(value) > most || !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
			return filter{}, fmt.Errorf("%s is longer than %d characters, or is no text", name, most)
		}
	}
	f := filter{
		Text: show(form.Get("q")), Repository: show(form.Get("repository")), Tag: show(form.Get("tag")), Rule: show(form.Get("rule")),
		Verdict: show(form.Get("verdict")), Since: show(form.Get("since")), Until: show(form.Get("until")), After: form.Get("after"),
	}
	f.query = store.Query{
		Text: form.Get("q"), Repository: form.Get("repository"), Tag: form.Get("tag"), Rule: form.Get("rule"),
		After: f.After, Limit: pageSize,
	}
	switch form.Get("verdict") {
	case "":
	case "allow":
		f.query.Verdict = gate.Allow
	case "deny":
		f.query.Verdict = gate.Deny
	case unjudged:
		f.query.Dead = true
	default:
		return filter{}, errors.New("verdict is none of allow, deny and undecided")
	}
	var err error
	if f.query.Since, err = parseDay("since", form.Get("since"), 0); err != nil {
		return filter{}, err
	}
	f.query.Until, err = parseDay("until", form.Get("until"), 1)
	return f, err
}

// parseDay returns when the day begins, UTC, or, for plus 1, when it ends.
func parseDay(name, value string, plus int) (time.Time, error) {
	if value == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, value)
	if err != nil || day.Year() < 2000 || day.Year() > 2999 {
		return time.Time{}, fmt.Errorf("%s is no day of this millennium, written as 2026-11-22", name)
	}
	return day.AddDate(0, 0, plus), nil
}

// Set tells whether the list shows less than everything.
func (f filter) Set() bool {
	return f.Text != "" || f.Repository != "" || f.Tag != "" || f.Since != "" || f.Until != "" || f.Judged()
}

// Judged tells whether it is asked for verdicts. Otherwise it is for what was pushed, judged or not.
func (f filter) Judged() bool { return f.Rule != "" || f.Verdict != "" }

// address is that of the list with this filter from after on.
func (f filter) address(after string) string {
	values := url.Values{}
	for name, value := range map[string]string{
		"q": f.query.Text, "repository": f.query.Repository, "tag": f.query.Tag, "rule": f.query.Rule,
		"verdict": string(f.Verdict), "since": string(f.Since), "until": string(f.Until), "after": after,
	} {
		if value != "" {
			values.Set(name, value)
		}
	}
	if len(values) == 0 {
		return "/"
	}
	return "/?" + values.Encode()
}
