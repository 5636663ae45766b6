package signature

import (
	"testing"
	"time"
)

func TestKeyless(t *testing.T) {
	w := newWorld(t, time.Hour)
	o := Options{TrustedRoot: w.trustedRoot()}
	me := w.identity(leaf{})
	for name, a := range map[string]func() Result{
		"classic": func() Result {
			return verifyAttachments(t, byWorkflow(), o, w.simple(me, digestA, time.Minute))
		},
		"bundle": func() Result {
			return verifyAttachments(t, byWorkflow(), o, attach(t, w.bundle(me, statement(digestA, signPredicate), bundleOptions{log: true, after: time.Minute})))
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := a()
			t.Logf("%+v", r)
			if !held(r) {
				t.Error("not held")
			}
		})
	}
}
