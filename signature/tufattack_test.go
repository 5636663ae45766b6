package signature

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
)

// TestTUFAttacks spoils a repository after it was seen once. What it serves must not be taken.
func TestTUFAttacks(t *testing.T) {
	past := time.Now().Add(-time.Minute)
	for name, c := range map[string]struct {
		want  string
		spoil func(w *tufWorld)
	}{
		"rollback of the timestamp": {"must be >= 2", func(w *tufWorld) {
			w.timestamp.Signed.Version = 1
			w.publishTimestamp()
		}},
		"rollback of the snapshot": {"must be >= 2", func(w *tufWorld) {
			w.next()
			w.snapshot.Signed.Version = 1
			w.publishSnapshot()
		}},
		"rollback of the targets": {"targets.json version 1, got 2", func(w *tufWorld) {
			w.next()
			w.targets.Signed.Version = 1
			w.publishTargets()
		}},
		"targets vanish from the snapshot": {"missing info for targets.json", func(w *tufWorld) {
			w.next()
			delete(w.snapshot.Signed.Meta, "targets.json")
			w.publishSnapshot()
		}},
		"freeze": {"timestamp.json is expired", func(w *tufWorld) {
			w.timestamp.Signed.Expires = past
			w.next()
			w.publish()
		}},
		"expired snapshot": {"snapshot.json is expired", func(w *tufWorld) {
			w.snapshot.Signed.Expires = past
			w.next()
			w.publish()
		}},
		"expired targets": {"targets is expired", func(w *tufWorld) {
			w.targets.Signed.Expires = past
			w.next()
			w.publish()
		}},
		"expired root": {"root.json is expired", func(w *tufWorld) {
			w.root.Signed.Expires, w.root.Signed.Version = past, 3
			w.publishRoot()
		}},
		"root of another": {"Verifying root failed", func(w *tufWorld) {
			w.replaceKey(metadata.ROOT)
			w.root.Signed.Version = 3
			w.publishRoot()
		}},
		"root skips a version": {"expected 3, got 4", func(w *tufWorld) {
			w.root.Signed.Version = 4
			w.publishRoot()
			w.put("3.root.json", w.files["4.root.json"])
		}},
		// The second root took the timestamp's first key away. Who has it hides that root.
		"hidden rotation": {"Verifying timestamp failed", func(w *tufWorld) {
			w.keys[metadata.TIMESTAMP] = w.keys["stolen"]
			delete(w.files, "2.root.json")
			w.next()
			w.publish()
		}},
		"timestamp that is a snapshot": {"expected metadata type timestamp", func(w *tufWorld) {
			w.put("timestamp.json", tufSigned(w.t, w.snapshot, w.keys[metadata.TIMESTAMP]))
		}},
		"snapshot that is a timestamp": {"expected metadata type snapshot", func(w *tufWorld) {
			w.next()
			w.publish()
			data := tufSigned(w.t, w.timestamp, w.keys[metadata.SNAPSHOT])
			w.put("3.snapshot.json", data)
			w.timestamp.Signed.Meta["snapshot.json"] = metadata.MetaFile(3)
			w.publishTimestamp()
		}},
		"root that is targets": {"expected metadata type root", func(w *tufWorld) {
			w.put("3.root.json", tufSigned(w.t, w.targets, w.keys[metadata.ROOT]))
		}},
		"by the key of another role": {"Verifying targets failed", func(w *tufWorld) {
			w.keys[metadata.TARGETS] = w.keys[metadata.TIMESTAMP]
			w.next()
			w.publish()
		}},
		"hash of the snapshot": {"hash verification failed", func(w *tufWorld) {
			w.next()
			w.publish()
			w.timestamp.Signed.Meta["snapshot.json"].Hashes["sha256"][0] ^= 1
			w.publishTimestamp()
		}},
		"another trusted root": {"length verification failed", func(w *tufWorld) {
			w.next()
			w.publish()
			w.answer(targetInstead([]byte("{}")))
			w.targets.Signed.Targets[trustedRootTarget].Hashes["sha256"] = metadata.HexBytes(sha("{}"))
			w.next()
			w.publishTargets()
		}},
		"another trusted root of the length": {"hash verification failed", func(w *tufWorld) {
			w.change()
			w.answer(targetInstead(append(w.target[:len(w.target)-1:len(w.target)-1], ' ')))
		}},
		"no hash": {"hashes must not be empty", func(w *tufWorld) {
			w.targets.Signed.Targets[trustedRootTarget].Hashes = metadata.Hashes{}
			w.answer(targetInstead(w.target))
			w.next()
			w.publishTargets()
		}},
		"a hash that is none": {"", func(w *tufWorld) {
			w.targets.Signed.Targets[trustedRootTarget].Hashes = metadata.Hashes{"md5": {1}}
			w.answer(targetInstead(w.target))
			w.next()
			w.publishTargets()
		}},
		"no trusted root": {"names no trusted_root.json", func(w *tufWorld) {
			delete(w.targets.Signed.Targets, trustedRootTarget)
			w.next()
			w.publishTargets()
		}},
		"timestamp without a snapshot": {"", func(w *tufWorld) {
			w.next()
			delete(w.timestamp.Signed.Meta, "snapshot.json")
			w.publishTimestamp()
		}},
		"snapshot that is null": {"", func(w *tufWorld) {
			w.next()
			w.timestamp.Signed.Meta["snapshot.json"] = nil
			w.publishTimestamp()
		}},
		"targets that are null": {"", func(w *tufWorld) {
			w.next()
			w.snapshot.Signed.Meta["targets.json"] = nil
			w.publishSnapshot()
		}},
		"trusted root that is null": {"malformed metadata", func(w *tufWorld) {
			w.next()
			w.targets.Signed.Targets[trustedRootTarget] = nil
			w.publishTargets()
		}},
		"trusted root that is none": {"", func(w *tufWorld) {
			w.target = []byte(`{"mediaType":"application/json"}`)
			w.next()
			w.publish()
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w, dir := newTUF(t), t.TempDir()
			w.keys["stolen"] = w.keys[metadata.TIMESTAMP]
			w.replaceKey(metadata.TIMESTAMP)
			w.root.Signed.Version = 2
			w.publishRoot()
			w.next()
			w.publish()
			r := w.repository(dir, 0)
			w.accepts(r)
			c.spoil(w)
			for range 2 { // what failed once leaves nothing behind that is good
				age(t, r, rootLifetime)
				w.refuses(r, c.want)
			}
		})
	}
}

// TestTUFFailedUpdateIsRemembered wants an update that fails in the end to protect against going back all the same.
func TestTUFFailedUpdateIsRemembered(t *testing.T) {
	w, dir := newTUF(t), t.TempDir()
	w.accepts(w.repository(dir, 0))
	old := maps.Clone(w.files)
	w.replaceKey(metadata.SNAPSHOT)
	w.root.Signed.Version++
	w.publishRoot()
	w.change()
	w.answer(targetInstead(nil))
	r := w.repository(dir, 0)
	age(t, r, rootLifetime)
	w.refuses(r, "")
	w.answer(nil)
	w.mu.Lock()
	w.files = old
	w.mu.Unlock()
	w.refuses(w.repository(dir, 0), "must be >= 2")
}

// TestTUFRecovers wants a repository that was fast-forwarded with stolen keys to be of use again once its root has
// replaced them (specification 5.3.11).
func TestTUFRecovers(t *testing.T) {
	w, dir := newTUF(t), t.TempDir()
	w.timestamp.Signed.Version, w.snapshot.Signed.Version = 1<<40, 1<<40
	w.publish()
	w.accepts(w.repository(dir, 0))
	w.timestamp.Signed.Version, w.snapshot.Signed.Version = 2, 2
	w.replaceKey(metadata.TIMESTAMP)
	w.replaceKey(metadata.SNAPSHOT)
	w.root.Signed.Version++
	w.change()
	w.publishRoot()
	r := w.repository(dir, 0)
	age(t, r, rootLifetime)
	w.accepts(r)
}

func sha(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// targetInstead serves another trusted root.
func targetInstead(data []byte) func(http.ResponseWriter, *http.Request) bool {
	return func(out http.ResponseWriter, r *http.Request) bool {
		if !strings.HasPrefix(r.URL.Path, "/targets/") {
			return false
		}
		_, _ = out.Write(data)
		return true
	}
}

// TestTUFThreshold wants as many distinct keys as the root says, however they are listed (SIG-08, CVE-2026-23992).
func TestTUFThreshold(t *testing.T) {
	for name, c := range map[string]struct {
		change func(w *tufWorld, role *metadata.Role)
		sign   func(w *tufWorld) []ed25519.PrivateKey
	}{
		"one of two": {func(w *tufWorld, role *metadata.Role) { w.addTimestampKey() }, nil},
		"the same signature twice": {func(w *tufWorld, role *metadata.Role) { w.addTimestampKey() },
			func(w *tufWorld) []ed25519.PrivateKey {
				return []ed25519.PrivateKey{w.keys[metadata.TIMESTAMP], w.keys[metadata.TIMESTAMP]}
			}},
		"a key listed twice": {func(w *tufWorld, role *metadata.Role) { role.KeyIDs = append(role.KeyIDs, role.KeyIDs[0]) }, nil},
		"a key under two names": {func(w *tufWorld, role *metadata.Role) {
			w.root.Signed.Keys["other"] = w.root.Signed.Keys[role.KeyIDs[0]]
			role.KeyIDs = append(role.KeyIDs, "other")
		}, nil},
		"more than there are": {func(w *tufWorld, role *metadata.Role) { role.Threshold = 3 }, nil},
		"none":                {func(w *tufWorld, role *metadata.Role) { role.Threshold = 0 }, nil},
		"less than none":      {func(w *tufWorld, role *metadata.Role) { role.Threshold = -1 }, nil},
		"no keys":             {func(w *tufWorld, role *metadata.Role) { role.KeyIDs, role.Threshold = nil, 0 }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTUF(t)
			role := w.root.Signed.Roles[metadata.TIMESTAMP]
			role.Threshold = 2
			c.change(w, role)
			w.root.Signed.Version++
			w.publishRoot()
			if c.sign != nil {
				w.put("timestamp.json", twice(t, tufSigned(t, w.timestamp, c.sign(w)...)))
			}
			w.refuses(w.repository("", 0), "")
		})
	}
	w := newTUF(t)
	w.root.Signed.Roles[metadata.TIMESTAMP].Threshold = 2
	second := w.addTimestampKey()
	w.root.Signed.Version++
	w.publishRoot()
	w.put("timestamp.json", tufSigned(t, w.timestamp, w.keys[metadata.TIMESTAMP], second))
	w.accepts(w.repository("", 0))
}

func (w *tufWorld) addTimestampKey() ed25519.PrivateKey {
	w.t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	noError(w.t, err)
	noError(w.t, w.root.Signed.AddKey(w.keyOf(private), metadata.TIMESTAMP))
	return private
}

// twice lists each signature twice.
func twice(t *testing.T, data []byte) []byte {
	t.Helper()
	var file struct {
		Signatures []json.RawMessage `json:"signatures"`
		Signed     json.RawMessage   `json:"signed"`
	}
	noError(t, json.Unmarshal(data, &file))
	file.Signatures = slices.Concat(file.Signatures, file.Signatures)
	out, err := json.Marshal(file)
	noError(t, err)
	return out
}
