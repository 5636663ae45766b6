package sbom

import (
	"crypto/md5"
	"crypto/sha1"
	"encoding/hex"
	"hash"
	"io"
	"slices"
	"strings"
	"sync/atomic"
)

// algorithm is one that package managers record the digests of files in.
type algorithm int

const (
	md5Sum    algorithm = iota // dpkg, and rpm before 2009
	sha1Sum                    // apk
	sha256Sum                  // rpm
	algorithms
)

var algorithmNames = [algorithms]string{"md5", "sha1", "sha256"}

// sums are the digests of a file's content in hexadecimal. What is not known is empty.
type sums [algorithms]string

// traces betray which package manager an image has, long before its database comes by.
var traces = [algorithms][]string{
	md5Sum:  {"/etc/debian_version", "/etc/dpkg/", "/var/lib/dpkg/"},
	sha1Sum: {"/etc/alpine-release", "/etc/apk/", "/lib/apk/", "/usr/lib/apk/"},
	sha256Sum: {"/etc/redhat-release", "/etc/rpm/", "/etc/dnf/", "/etc/zypp/", "/usr/lib/rpm/", "/usr/lib/sysimage/rpm/",
		"/var/lib/rpm/"},
}

// hasher adds to a file's SHA-256, while the file streams by, the digests that packages are recorded with. Which
// will be asked for is known only when all layers were read; until then it goes by traces. What it did not
// guess costs a second reading of the layer: it decides about time, never about what is found.
type hasher struct{ seen [algorithms]atomic.Bool }

// notice looks for traces.
func (h *hasher) notice(name string) {
	for a, places := range traces {
		if !h.seen[a].Load() && isBelow(places, name) {
			h.seen[a].Store(true)
		}
	}
}

// begin returns what hashes the content of a file, of which head was read: nothing for a file that no package is
// likely to own. As long as there is no trace at all, it is every algorithm.
func (h *hasher) begin(name string, k kind, head []byte) *digester {
	h.notice(name)
	if !checkable(name, k) || !isBelow(system, name) || isBelow(local, name) {
		return nil
	}
	unknown := !h.seen[md5Sum].Load() && !h.seen[sha1Sum].Load() && !h.seen[sha256Sum].Load()
	d := &digester{}
	for _, a := range []algorithm{md5Sum, sha1Sum} {
		if unknown || h.seen[a].Load() {
			d[a] = newHash(a)
			d[a].Write(head)
		}
	}
	return d
}

// newHash makes a hash that packages are recorded with; SHA-256 every file has already.
func newHash(a algorithm) hash.Hash {
	if a == md5Sum {
		return md5.New()
	}
	return sha1.New()
}

// digester are hashes at work; nil ones are not wanted. So may be all of it.
type digester [algorithms]hash.Hash

// through lets the digester see what is read.
func (d *digester) through(r io.Reader) io.Reader {
	if d == nil {
		return r
	}
	for _, h := range d {
		if h != nil {
			r = io.TeeReader(r, h)
		}
	}
	return r
}

// sums are the digests of what went through.
func (d *digester) sums(sha256 string) sums {
	s := sums{sha256Sum: sha256}
	if d == nil {
		return s
	}
	for a, h := range d {
		if h != nil {
			s[a] = hex.EncodeToString(h.Sum(nil))
		}
	}
	return s
}

// sumOf reads a file once more for a digest that was not guessed in time.
func sumOf(a algorithm, content io.Reader) (string, error) {
	h := newHash(a)
	_, err := io.Copy(h, content)
	return hex.EncodeToString(h.Sum(nil)), err
}

// system are the folders that hold what packages bring. local are those among and beside them that are left to
// everybody else by convention (Filesystem Hierarchy Standard 3.0), which packages of third parties use, too.
var (
	system = []string{"/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/", "/usr/"}
	local  = []string{"/usr/local/", "/usr/src/"}
)

// documentation are the folders of what only people read.
var documentation = []string{
	"/usr/share/doc/", "/usr/share/man/", "/usr/share/info/", "/usr/share/locale/", "/usr/share/licenses/",
}

// checkable says whether it matters that a file is as its package brought it: it can run, or is a text or an
// archive that programs read. Pictures, translations and compressed documentation are left alone.
func checkable(name string, k kind) bool {
	return k.isCode() || k != data && !isBelow(documentation, name)
}

// isChecked says whether that was so when the file streamed by.
func (f *facts) isChecked() bool { return f.sums[sha256Sum] != "" }

// isBelow says whether a path is one of places, or below one that ends in a slash.
func isBelow(places []string, name string) bool {
	return slices.ContainsFunc(places, func(p string) bool {
		return name == p || strings.HasSuffix(p, "/") && strings.HasPrefix(name, p)
	})
}
