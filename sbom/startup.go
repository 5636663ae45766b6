package sbom

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/tidewaiter/tidewaiter/image"
)

// Bounds of what is read because something starts it.
const (
	maxArguments = 16  // of a command line that are taken for paths
	maxScripts   = 500 // texts of one image
	maxCalls     = 200 // paths in one script that are looked up
)

// CallDepth is how many scripts one after the other are followed from the one that a command line names.
const CallDepth = 2

// autostarts are the folders, and files, whose texts something else starts: cron, the boot, a login, an entrypoint
// that runs all that is in a folder. A folder ends in a slash, and counts with all that is below it.
var autostarts = []string{
	"/etc/crontab", "/etc/anacrontab", "/etc/cron.d/", "/etc/cron.hourly/", "/etc/cron.daily/", "/etc/cron.weekly/",
	"/etc/cron.monthly/", "/etc/crontabs/", "/etc/periodic/", "/var/spool/cron/", "/etc/systemd/", "/lib/systemd/",
	"/usr/lib/systemd/", "/etc/init.d/", "/etc/rc.local", "/etc/rc.d/", "/etc/local.d/", "/etc/profile", "/etc/profile.d/",
	"/etc/bash.bashrc", "/root/.bashrc", "/root/.profile", "/root/.bash_profile", "/docker-entrypoint.d/",
	"/docker-entrypoint-initdb.d/", "/etc/inittab", "/etc/cont-init.d/", "/etc/cont-finish.d/", "/etc/services.d/",
	"/etc/service/", "/etc/sv/", "/etc/s6-overlay/",
}

// Autostarts returns the paths of the visible files that something in the image starts without being told:
// cron entries, units, init scripts, shell profiles. Script has their texts.
func (s *SBOM) Autostarts() []string { return s.autostarts }

// Calls returns the paths of the other scripts in the image that a script names, directly. Script has their
// texts, too.
func (s *SBOM) Calls(path string) []string { return s.calls[path] }

// isAutostart says whether a path is one of autostarts.
func isAutostart(name string) bool { return isBelow(autostarts, name) }

// readTexts fills in the texts that something starts. If a text was not kept, because only links make it one of
// these, its layer is read again.
func (s *scanner) readTexts(ctx context.Context, bom *SBOM) error {
	for range maxReadings {
		s.missed, s.unread = nil, map[*image.Entry]bool{}
		s.startedTexts(bom)
		if err := s.follow(bom); err != nil {
			return err
		}
		if len(s.missed) == 0 {
			s.tellUnread(bom)
			return nil
		}
		if err := s.files.Keep(ctx, s.missed); err != nil {
			return err
		}
	}
	return fmt.Errorf("scripts name further scripts after %d readings", maxReadings)
}

// tellUnread makes a class of what is started and too large to be read: padding must not hide what a script does.
func (s *scanner) tellUnread(bom *SBOM) {
	for e := range s.unread {
		text := fmt.Sprintf("a script of %d bytes, more than limits.script, which is %d", e.Size, s.limits.Script)
		class := Class{"packed", "script", []Mark{{By: byLayout, Text: text, Offset: -1}}}
		at := slices.IndexFunc(bom.Files, func(f File) bool { return f.Path == e.Path && f.Layer == e.Layer })
		if at < 0 {
			at = len(bom.Files)
			bom.Files = append(bom.Files, s.facts(e, e))
		}
		bom.Files[at].Classes = append(bom.Files[at].Classes, class)
	}
	sortFiles(bom.Files)
}

// startedTexts takes what the configuration and the options name, what the scripts among that name, and what starts
// by itself.
func (s *scanner) startedTexts(bom *SBOM) {
	bom.scripts, bom.calls, bom.present = map[string]string{}, map[string][]string{}, map[string]bool{}
	for _, name := range s.options.Started.Paths {
		if n := s.tree.lookup(name, true); n != nil && !n.isDir() {
			bom.present[name] = true
		}
	}
	level := s.texts(bom, slices.Concat(startable(s.platform.Config), s.options.Started.Paths))
	for _, text := range s.options.Started.Texts {
		level = append(level, s.texts(bom, s.called("", text))...)
	}
	for range CallDepth {
		var next []string
		for _, name := range level {
			called := s.texts(bom, s.called(name, bom.scripts[name]))
			called = slices.DeleteFunc(called, func(other string) bool { return other == name })
			bom.calls[name] = called
			next = append(next, called...)
		}
		level = next
	}
	bom.autostarts = s.texts(bom, s.autostartNames())
}

// autostartNames are the files of autostarts that are there. A folder among them may be a link to another place.
func (s *scanner) autostartNames() []string {
	var names []string
	for _, a := range autostarts {
		n := s.tree.lookup(path.Clean(a), true)
		switch {
		case n == nil:
		case n.isDir():
			names = s.below(names, path.Clean(a), n)
		default:
			names = append(names, a)
		}
	}
	return names
}

// below adds the files below the folder that is n, at that path. A file that is there under its own name, too, is
// not added under that of a link.
func (s *scanner) below(names []string, at string, n *node) []string {
	for _, child := range n.children {
		name := path.Join(at, path.Base(child.path))
		if isAutostart(child.path) {
			name = child.path
		}
		if child.isDir() {
			names = s.below(names, name, child)
			continue
		}
		if child.entry.Type == image.Symlink {
			if to := s.tree.lookup(name, true); to == nil || isAutostart(to.path) {
				continue
			}
		}
		names = append(names, name)
	}
	return names
}

// texts reads those of the named files that are texts, and returns their names.
func (s *scanner) texts(bom *SBOM, names []string) []string {
	var read []string
	for _, name := range names {
		if _, ok := bom.scripts[name]; ok {
			read = append(read, name)
		} else if text, ok := s.text(name); ok && len(bom.scripts) < maxScripts {
			bom.scripts[name] = text
			read = append(read, name)
		}
	}
	slices.Sort(read)
	return slices.Compact(read)
}

// text reads a file of the image, links followed, if it is text and no larger than the limit.
func (s *scanner) text(name string) (string, bool) {
	n := s.tree.lookup(name, true)
	if n == nil || n.isDir() {
		return "", false
	}
	if from := contentOf(n.entry); from.Size > s.limits.Script {
		if factsOf(from).oversized {
			s.unread[from] = true
		}
		return "", false
	}
	section, err := s.files.Open(n.entry)
	if err != nil { // no content: a device, or a hard link to nothing
		if errors.Is(err, image.ErrNotKept) && mayBeText(n.entry) {
			s.missed = append(s.missed, n.entry)
		}
		return "", false
	}
	text, err := io.ReadAll(io.LimitReader(section, s.limits.Script+1))
	if err != nil || int64(len(text)) > s.limits.Script || !isRead(text) {
		return "", false
	}
	text = bytes.ReplaceAll(text, []byte{0}, nil) // as shells do
	return string(bytes.TrimPrefix(text, []byte("\ufeff"))), true
}

// mayBeText says whether a file that was not kept may be text all the same.
func mayBeText(e *image.Entry) bool {
	f := factsOf(contentOf(e))
	return !f.binary && (f.content == nil || f.content.kind.isText())
}

// callable is what may be the path of a script in a script: anything with a slash, and names that end in .sh.
var callable = regexp.MustCompile(`[\w.@%+-]*(?:/[\w.@%+-]+)+|[\w.-]+\.sh\b`)

// called returns the scripts that a script may start or source: those that it names and that are scripts.
func (s *scanner) called(name, text string) []string {
	var names []string
	for _, word := range callable.FindAllString(text, maxCalls) {
		for _, dir := range []string{"/", s.platform.Config.WorkingDir, path.Dir("/" + name)} {
			full := path.Join("/", dir, word)
			if path.IsAbs(word) {
				full = path.Clean(word)
			}
			n := s.tree.lookup(full, true)
			if n == nil || n.isDir() || full == name {
				continue
			}
			if _, err := s.files.Open(n.entry); err != nil && path.Ext(full) != ".sh" {
				continue // what begins as scripts do was kept
			}
			if text, ok := s.text(full); ok && (hashBang([]byte(text)) || strings.HasSuffix(full, ".sh")) {
				names = append(names, full)
				break
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// settings says what the configuration of the image is good for, by what its command lines, its environment and
// its labels hold: the address of a pool, a wallet.
func (t *table) settings(c image.Config) []Class {
	var lines []string
	for _, args := range [][]string{slices.Concat(c.Entrypoint, c.Cmd), c.Healthcheck} {
		lines = append(lines, strings.Join(args, " "))
	}
	lines = append(append(lines, c.Env...), c.OnBuild...)
	for _, label := range slices.Sorted(maps.Keys(c.Labels)) {
		lines = append(lines, label+"="+c.Labels[label])
	}
	text := []byte(strings.Join(lines, "\n"))
	b := newBounds(DefaultLimits())
	found, err := t.inspect("", 0, text[:min(len(text), headSize)], bytes.NewReader(text[min(len(text), headSize):]), b)
	if err != nil || found == nil {
		return nil
	}
	return t.classify("", 0, found, nil)
}

// deviceClass is the class of device nodes.
const deviceClass = "device"

// device is the fact that a layer makes a device node.
func (s *scanner) device(e *image.Entry) File {
	f := s.facts(e, e)
	kind := map[image.FileType]string{image.CharDevice: "c", image.BlockDevice: "b"}[e.Type]
	node := fmt.Sprintf("%s %d:%d", kind, e.Major, e.Minor)
	f.Classes = []Class{{deviceClass, node, []Mark{{By: byLayer, Text: node, Offset: -1}}}}
	f.Mode = cmp.Or(kind, "-") + f.Mode[1:]
	return f
}
