package signature

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/tidewaiter/tidewaiter/cache"
	"github.com/tidewaiter/tidewaiter/image"
)

// proofsKind is the kind of proofs in the cache. Its number changes with their form.
const proofsKind = "signatures 1"

// proofsLast is how long proofs are used before the registry is asked again: what was deleted or added there in
// the meantime is not noticed.
const proofsLast = 7 * 24 * time.Hour

// proofs keeps signature material that a policy was content with, for the next run to verify by itself
// (docs/decisions/0002). What it returns is as untrusted as what a registry returns.
type proofs struct {
	open func() *cache.Cache // may be nil
}

// cache is what proofs are kept in; nil if nothing is.
func (p proofs) cache() *cache.Cache {
	if p.open == nil {
		return nil
	}
	return p.open()
}

// proof is the material of one place as it is stored.
type proof struct {
	FoundAt     time.Time       `json:"foundAt"`
	Attachments []proofOfDigest `json:"attachments"`
}

// proofOfDigest is an attachment with the digest of its payload.
type proofOfDigest struct {
	image.Attachment
	Digest string `json:"digest"`
}

// gathered returns the material of all places, if there is any of each.
func (p proofs) gathered(ref image.Reference, places []place) (gathered, bool) {
	found := gathered{}
	for _, at := range places {
		if !at.inRegistry(ref) {
			return nil, false
		}
		attachments, ok := p.recall(at.key(ref), time.Now())
		if !ok || found.add(at, attachments) != nil {
			return nil, false
		}
	}
	return found, len(found) > 0
}

// keepAll stores the material of places that a policy was content with.
func (p proofs) keepAll(ref image.Reference, places []place, material [][]image.Attachment) {
	for i, at := range places {
		if at.inRegistry(ref) {
			p.keep(at.key(ref), material[i], time.Now())
		}
	}
}

// inRegistry tells whether a place is in a registry. What stands in a folder or archive is read faster than kept,
// and its name is not the name of one thing.
func (at place) inRegistry(ref image.Reference) bool {
	return at.repository != "" || ref.Transport == image.Registry
}

// recall returns the material of a place, if there is any that is whole and not too old.
func (p proofs) recall(key string, now time.Time) ([]image.Attachment, bool) {
	raw, ok := p.cache().Get(proofsKind, key)
	if !ok {
		return nil, false
	}
	var stored proof
	if json.Unmarshal(raw, &stored) != nil || stored.FoundAt.After(now) || now.Sub(stored.FoundAt) > proofsLast {
		return nil, false
	}
	out := make([]image.Attachment, len(stored.Attachments))
	for i, a := range stored.Attachments {
		if a.Digest != payloadDigest(a.Payload) {
			return nil, false
		}
		out[i] = a.Attachment
	}
	return out, true
}

// keep stores the material of a place.
func (p proofs) keep(key string, attachments []image.Attachment, now time.Time) {
	stored := proof{FoundAt: now, Attachments: make([]proofOfDigest, len(attachments))}
	for i, a := range attachments {
		stored.Attachments[i] = proofOfDigest{a, payloadDigest(a.Payload)}
	}
	if raw, err := json.Marshal(stored); err == nil {
		p.cache().Put(proofsKind, key, raw)
	}
}

func payloadDigest(payload []byte) string {
	sum := sha256.Sum256(payload)
	return "sha256:" + hex.EncodeToString(sum[:])
}
