package signature

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/theupdateframework/go-tuf/v2/metadata"
	"github.com/theupdateframework/go-tuf/v2/metadata/trustedmetadata"
)

// Bounds of what is read of a repository, in bytes, as go-tuf has them, and of how many new root.json at once.
const (
	maxRoot      = 512_000
	maxTimestamp = 16_384
	maxSnapshot  = 2_000_000
	maxTargets   = 5_000_000
	maxRotations = 64
)

// trustedRootTarget is the target that the repositories of Sigstore instances keep their trusted root in.
const trustedRootTarget = "trusted_root.json"

// state is what was verified of a repository, as the repository served it.
type state struct {
	// Checked is when the repository was asked.
	Checked time.Time `json:"checked"`
	// Roots are the versions after the one that trust begins with, each signed by the one before.
	Roots     [][]byte `json:"roots"`
	Timestamp []byte   `json:"timestamp"`
	Snapshot  []byte   `json:"snapshot"`
	Targets   []byte   `json:"targets"`
	// Target is the trusted root.
	Target []byte `json:"target"`
}

// over is what to keep of an update that failed: the newest that was verified, so that nobody can go back behind
// it. It is not fresh: the repository must be asked.
func (s state) over(kept state) state {
	kept.Checked = time.Time{}
	if len(s.Roots) > 0 {
		kept.Roots = s.Roots
	}
	if s.Timestamp != nil {
		kept.Timestamp = s.Timestamp
	}
	return kept
}

// update is one passage through the client's workflow of the TUF specification (section 5). Every check of
// metadata is go-tuf's. Its own Updater is not used: it forgets the roots that it has seen, so that a server could
// hide a rotation of keys; reads files of any size and kind from its folder, and, without a cache, from the
// working directory; and takes as many bytes as metadata says.
type update struct {
	trusted *trustedmetadata.TrustedMetadata
	state   state // what was verified so far
}

// newUpdate begins with a root.json that is trusted, at a time.
func newUpdate(rootJSON []byte, now time.Time) (*update, error) {
	u := &update{}
	err := safely(func() (err error) {
		u.trusted, err = trustedmetadata.New(rootJSON)
		return err
	})
	if err != nil {
		return nil, err
	}
	u.trusted.RefTime = now.UTC()
	return u, nil
}

// safely turns a panic into an error: metadata of an unforeseen form shall not end the program (CVE-2026-23991).
func safely(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("malformed metadata: %v", p)
		}
	}()
	return f()
}

// getter gets a file of a repository, of at most limit bytes.
type getter func(name string, limit int64) ([]byte, error)

// errNotKept says that what is kept is not all that is needed.
var errNotKept = errors.New("not kept")

// refresh brings everything up to date. What is kept protects against being given something older.
func (u *update) refresh(kept state, get getter) error {
	return u.follow(
		func() error { return u.roots(kept, get) },
		func() error { return u.timestamp(kept, get) },
		func() error { return u.snapshot(kept, get) },
		func() error { return u.targets(kept, get) },
		func() error { return u.target(kept, get) },
	)
}

// replay verifies what is kept, without asking whether there is something newer.
func (u *update) replay(kept state, get getter) error {
	return u.follow(
		func() error { return u.keptRoots(kept) },
		func() error {
			_, err := u.trusted.UpdateTimestamp(kept.Timestamp)
			return err
		},
		func() error { return u.snapshot(kept, get) },
		func() error { return u.targets(kept, get) },
		func() error { return u.target(kept, get) },
	)
}

func (u *update) follow(steps ...func() error) error {
	for _, step := range steps {
		if err := safely(step); err != nil {
			return err
		}
	}
	return nil
}

// keptRoots takes the kept roots, up to the first that does not follow from the one before.
func (u *update) keptRoots(kept state) error {
	for _, data := range kept.Roots {
		err := safely(func() error {
			_, err := u.trusted.UpdateRoot(data)
			return err
		})
		if err != nil {
			return err
		}
		u.state.Roots = append(u.state.Roots, data)
	}
	return nil
}

// roots takes the kept roots, and then all that the repository has after them (specification 5.3).
func (u *update) roots(kept state, get getter) error {
	_ = u.keptRoots(kept) // what is not sound is got anew
	for range maxRotations {
		data, err := get(fmt.Sprintf("%d.root.json", u.trusted.Root.Signed.Version+1), maxRoot)
		var status *metadata.ErrDownloadHTTP
		if errors.As(err, &status) && status.StatusCode == http.StatusNotFound {
			return nil // there is no newer one
		}
		if err != nil {
			return err
		}
		if _, err := u.trusted.UpdateRoot(data); err != nil {
			return err
		}
		u.state.Roots = append(u.state.Roots, data)
	}
	return fmt.Errorf("%d new root.json at once are too many", maxRotations)
}

// timestamp gets the newest timestamp, not older than the kept one (5.4).
func (u *update) timestamp(kept state, get getter) error {
	if kept.Timestamp != nil {
		// An error is about the kept one, which may have expired or be of keys that were replaced since: then a
		// lower version is the recovery of a repository whose keys were stolen (5.3.11).
		_ = safely(func() error {
			_, err := u.trusted.UpdateTimestamp(kept.Timestamp)
			return err
		})
	}
	data, err := get("timestamp.json", maxTimestamp)
	if err != nil {
		return err
	}
	_, err = u.trusted.UpdateTimestamp(data)
	switch {
	case err == nil:
		u.state.Timestamp = data
	case errors.Is(err, &metadata.ErrEqualVersionNumber{}):
		u.state.Timestamp, err = kept.Timestamp, nil
	}
	return err
}

// snapshot takes the kept snapshot if the timestamp still names it, or else gets it (5.5).
func (u *update) snapshot(kept state, get getter) error {
	meta := u.trusted.Timestamp.Signed.Meta["snapshot.json"]
	if meta == nil {
		return errors.New("timestamp.json does not say which snapshot.json there is")
	}
	if kept.Snapshot != nil {
		err := safely(func() error {
			// Trusted, although its hash is not compared, so that an older one protects against a rollback.
			_, err := u.trusted.UpdateSnapshot(kept.Snapshot, true)
			return err
		})
		if err == nil && meta.VerifyLengthHashes(kept.Snapshot) == nil {
			u.state.Snapshot = kept.Snapshot
			return nil
		}
	}
	data, err := get(u.versioned(meta.Version, "snapshot.json"), within(meta.Length, maxSnapshot))
	if err != nil {
		return err
	}
	_, err = u.trusted.UpdateSnapshot(data, false)
	u.state.Snapshot = data
	return err
}

// targets takes the kept targets if the snapshot still names them, or else gets them (5.6). Delegations are not
// followed: a Sigstore instance keeps its trusted root at the top.
func (u *update) targets(kept state, get getter) error {
	meta := u.trusted.Snapshot.Signed.Meta["targets.json"]
	if meta == nil {
		return errors.New("snapshot.json does not say which targets.json there is")
	}
	if kept.Targets != nil {
		err := safely(func() error {
			_, err := u.trusted.UpdateTargets(kept.Targets)
			return err
		})
		if err == nil {
			u.state.Targets = kept.Targets
			return nil
		}
	}
	data, err := get(u.versioned(meta.Version, "targets.json"), within(meta.Length, maxTargets))
	if err != nil {
		return err
	}
	_, err = u.trusted.UpdateTargets(data)
	u.state.Targets = data
	return err
}

// target takes the kept trusted root if the targets still name it, or else gets it (5.7).
func (u *update) target(kept state, get getter) error {
	info := u.trusted.Targets[metadata.TARGETS].Signed.Targets[trustedRootTarget]
	if info == nil {
		return fmt.Errorf("targets.json names no %s", trustedRootTarget)
	}
	if kept.Target != nil && info.VerifyLengthHashes(kept.Target) == nil {
		u.state.Target = kept.Target
		return nil
	}
	if info.Length < 0 || info.Length > maxTrustedRoot {
		return fmt.Errorf("%s has %d bytes, more than the %d that are read", trustedRootTarget, info.Length, maxTrustedRoot)
	}
	name := trustedRootTarget
	if u.trusted.Root.Signed.ConsistentSnapshot {
		hash := info.Hashes["sha256"]
		if len(hash) == 0 {
			hash = info.Hashes["sha512"]
		}
		name = hex.EncodeToString(hash) + "." + name
	}
	data, err := get("targets/"+name, info.Length)
	if err != nil {
		return err
	}
	if err := info.VerifyLengthHashes(data); err != nil {
		return err
	}
	u.state.Target = data
	return nil
}

// versioned is the name of a file of metadata: with its version where the repository keeps consistent snapshots.
func (u *update) versioned(version int64, name string) string {
	if u.trusted.Root.Signed.ConsistentSnapshot {
		return fmt.Sprintf("%d.%s", version, name)
	}
	return name
}

// within is the length that metadata gives for other metadata, where it gives one, and the bound otherwise.
func within(length, bound int64) int64 {
	if length > 0 && length < bound {
		return length
	}
	return bound
}

// until is when the repository must be asked again: a day after the update, or when something expires before.
func (u *update) until() time.Time {
	end := u.trusted.RefTime.Add(rootLifetime)
	for _, expires := range []time.Time{
		u.trusted.Root.Signed.Expires, u.trusted.Timestamp.Signed.Expires, u.trusted.Snapshot.Signed.Expires,
		u.trusted.Targets[metadata.TARGETS].Signed.Expires,
	} {
		if expires.Before(end) {
			end = expires
		}
	}
	return end
}
