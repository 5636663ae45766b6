package signature

// demands are what a signature must bring to count for an authority, beside being its own.
type demands struct {
	// needsLog tells that a signature must be in a transparency log.
	needsLog bool
	// needsTimestamp tells that a timestamp authority must have seen it, usesTimestamp that it is at least asked.
	needsTimestamp, usesTimestamp bool
	// needsSCT tells that a certificate transparency log must have seen the certificate.
	needsSCT bool
	// now tells that the certificate must be valid at the time of checking, because nothing else tells a time.
	now bool
}

// provesTime tells that somebody who is trusted says when a signature was made. A log of Rekor's second version
// does not, but then nothing is accepted that wants a time.
func (p demands) provesTime() bool { return p.needsLog || p.needsTimestamp }

// demands compiles what a policy wants to be proven. Certificates need a log or a timestamp by default, because
// nothing else tells that they were valid when they were used.
func (c *compiler) demands(path []any, a Authority) demands {
	for _, proof := range []struct{ field, value string }{
		{"transparencyLog", a.TransparencyLog}, {"timestamp", a.Timestamp}, {"certificateLog", a.CertificateLog},
	} {
		if proof.value != "" && proof.value != Required && proof.value != Ignore {
			c.problem(append(path, proof.field), "is %q: it can be %q or %q", proof.value, Required, Ignore)
		}
	}
	p := demands{
		needsLog:       a.TransparencyLog == Required || a.TransparencyLog == "" && a.Key == "",
		needsTimestamp: a.Timestamp == Required,
		usesTimestamp:  a.Timestamp != Ignore,
		needsSCT:       a.Keyless != nil && a.CertificateLog != Ignore,
		now:            a.Certificate != nil && a.TransparencyLog == Ignore && a.Timestamp == Ignore,
	}
	if a.TransparencyLog == Ignore {
		c.withoutLog(append(path, "transparencyLog"), a)
	}
	if a.CertificateLog != "" && a.Keyless == nil {
		c.problem(append(path, "certificateLog"), "is about certificates of a Sigstore certificate authority: leave it out, or write keyless")
	}
	return p
}

// withoutLog refuses certificates of which nothing tells when they were used.
func (c *compiler) withoutLog(path []any, a Authority) {
	switch {
	case a.Keyless != nil && a.Timestamp != Required:
		c.problem(path, "cannot be ignored for a keyless authority: only the log tells when its short-lived certificate was used, "+
			"unless you also write timestamp: %s", Required)
	case a.Certificate != nil && a.Timestamp == "":
		c.problem(path, "is ignored, so that nothing tells when the certificate was used: also write timestamp: %s, "+
			"or timestamp: %s if certificates shall be valid at the time of checking", Required, Ignore)
	}
}
