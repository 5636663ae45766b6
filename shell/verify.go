package shell

import "strings"

// checksum is sha256sum and its like. With -c it is a check, unless the sums were fetched as well: whoever
// replaces the file on the server replaces its checksum too. Without, what it prints is the checksum.
func (in *interp) checksum(c *call) effect {
	p := options{short: "a", long: "algorithm "}.parse(c.args())
	if !p.has("c", "check") {
		text := in.inputs(c, p.args)
		in.print(c, in.newHole(hole{spelling: "$(" + c.name() + ")", digest: in.fetches(text)})+"\n")
		return effect{}
	}
	sums := in.inputs(c, p.args)
	if in.fetched(sums) != nil {
		return effect{}
	}
	return effect{passed: in.named(sums)}
}

// fetches returns all acts of fetching that text comes from.
func (in *interp) fetches(text string) []*fetch {
	var all []*fetch
	in.findHole(text, func(h *hole) bool {
		if h.fetch != nil {
			all = append(all, h.fetch)
		}
		return len(all) >= maxChecks
	})
	return all
}

// named returns what the files in a list of checksums came from. A list that cannot be read, a file of the image,
// may name any file.
func (in *interp) named(sums string) []*fetch {
	var all []*fetch
	anything := in.merelyUnknown(sums)
	for _, name := range in.fileNames() {
		if anything || in.mentions(sums, name) {
			all = union(all, in.fetches(in.files[name].text))
		}
	}
	return all
}

// mentions tells whether one of the lines of sums is about the file.
func (in *interp) mentions(sums, name string) bool {
	for line := range strings.SplitSeq(sums, "\n") {
		fields := strings.Fields(line)
		if len(fields) >= 2 && in.path(strings.TrimPrefix(fields[len(fields)-1], "*")) == name {
			return true
		}
	}
	return false
}

// signature is gpg --verify, cosign verify-blob and their like: the files that they name are checked, unless the
// keys were fetched too.
func (in *interp) signature(c *call) effect {
	valued := "keyring homedir keyserver output key certificate signature bundle certificate-identity certificate-oidc-issuer " +
		"certificate-identity-regexp certificate-oidc-issuer-regexp rekor-url recv-keys recv-key source-uri provenance-path " +
		"passphrase passphrase-file passphrase-fd pinentry-mode recipient local-user status-fd "
	p := options{short: "opmxPur", long: valued}.parse(c.args())
	switch {
	case p.has("import"):
		if h := in.fetched(in.inputs(c, p.args)); h != nil {
			in.keysFrom = h
		}
		return effect{}
	case p.has("d", "decrypt"):
		text := in.derived(in.inputs(c, p.args), "$("+c.name()+" -d)", c.name()+" decrypts it")
		if in.remarkable(text) == nil {
			text = in.newHole(hole{spelling: "$(" + c.name() + " -d)", opaque: c.name() + " decrypts what cannot be read here"})
		}
		if to := p.value("o", "output"); to != "" {
			in.writeFile(in.path(to), text, false)
			return effect{}
		}
		in.print(c, text)
		return effect{}
	case !in.verifies(c.name(), p):
		return effect{}
	}
	for _, key := range []string{p.value("key"), p.value("keyring")} {
		if key != "" && in.fetched(key+in.readFile(in.path(key))) != nil {
			return effect{}
		}
	}
	var all []*fetch
	for _, name := range append(p.args, p.value("m")) {
		if name != "" {
			all = append(all, in.fetches(in.readFile(in.path(name)))...)
			all = append(all, in.signedBy(in.path(name))...)
		}
	}
	return effect{passed: all}
}

// signedBy returns the origin of x for a detached signature x.asc, which gpg --verify finds by itself.
func (in *interp) signedBy(name string) []*fetch {
	for _, suffix := range []string{".asc", ".sig", ".gpg", ".sign"} {
		if plain, ok := strings.CutSuffix(name, suffix); ok {
			if f := in.files[plain]; f != nil {
				return in.fetches(f.text)
			}
		}
	}
	return nil
}

func (in *interp) verifies(name string, p parsed) bool {
	switch name {
	case "gpg", "gpg2":
		return p.has("verify") && in.keysFrom == nil
	case "gpgv":
		return in.keysFrom == nil
	case "minisign", "signify":
		return p.has("V")
	}
	return firstOr(p.args, "") == "verify-blob" || firstOr(p.args, "") == "verify-artifact"
}
