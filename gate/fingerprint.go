package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tidewaiter/tidewaiter/signature"
)

// maxTrustFile bounds a file that a configuration names, in bytes.
const maxTrustFile = 64 << 20

// Fingerprint is a digest of all that verdicts depend on besides what is judged: the configuration, the files that it
// names, which of its waivers have expired, and what else is given: the digest of the rules, the program's version.
// Equal fingerprints promise equal verdicts, but for what is fetched (the public trusted root, keys of a service).
func (c *Config) Fingerprint(now time.Time, more ...string) (string, error) {
	sum := sha256.New()
	field := func(text string) { fmt.Fprintf(sum, "%d:%s", len(text), text) }
	for _, text := range more {
		field(text)
	}
	if c.file != nil {
		field(string(c.file.Data))
	}
	for i, w := range c.Waivers {
		if w.expired(now) {
			field(fmt.Sprintf("waiver %d has expired", i))
		}
	}
	for _, name := range c.trustFiles() {
		field(name)
		if err := hashTree(sum, c.Path(name)); err != nil {
			return "", fmt.Errorf("configuration: %w", err)
		}
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// trustFiles are the files and folders that the configuration names, sorted.
func (c *Config) trustFiles() []string {
	names := []string{c.TrustedRoot}
	for _, r := range c.TrustedRoots {
		names = append(names, r.File, r.Root)
	}
	authorities := func(list []signature.Authority) {
		for _, a := range list {
			if !strings.Contains(a.Key, "://") {
				names = append(names, a.Key)
			}
			if a.Certificate != nil {
				names = append(names, a.Certificate.Roots)
			}
		}
	}
	for _, e := range c.Trust {
		authorities(e.Authorities)
		for _, r := range e.Attestations {
			authorities(r.Authorities)
			names = append(names, r.Rules)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}

// hashTree adds a file, or all files of a folder with their paths in it, to a hash. Links are followed, as who loads rules
// from a folder follows them; above are the folders that led here.
func hashTree(sum io.Writer, root string, above ...string) error {
	root, err := filepath.EvalSymlinks(root)
	if err != nil || slices.Contains(above, root) { // a link to a folder that it is in adds nothing
		return err
	}
	return filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		path, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		info, err := os.Stat(name)
		switch {
		case err != nil:
			return err
		case !info.IsDir():
			return hashFile(sum, path, name)
		case entry.Type()&fs.ModeSymlink != 0:
			fmt.Fprintf(sum, "%d:%s", len(path), path)
			return hashTree(sum, name, append(slices.Clip(above), root)...)
		}
		return nil
	})
}

func hashFile(sum io.Writer, path, name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	content := sha256.New()
	n, err := io.Copy(content, io.LimitReader(f, maxTrustFile+1))
	if err == nil && n > maxTrustFile {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxTrustFile)
	}
	fmt.Fprintf(sum, "%d:%s%x", len(path), path, content.Sum(nil))
	return err
}
