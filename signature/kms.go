package signature

import (
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms/aws"
	"github.com/sigstore/sigstore/pkg/signature/kms/azure"
	"github.com/sigstore/sigstore/pkg/signature/kms/gcp"
	"github.com/sigstore/sigstore/pkg/signature/kms/hashivault"
	"github.com/sigstore/sigstore/pkg/signature/options"
)

// keyTimeout bounds the fetching of one public key, and keyRetry is how long a failure is not tried again, so that
// many signatures beside an image do not each wait for a service that does not answer.
const keyTimeout, keyRetry = 10 * time.Second, 30 * time.Second

// keyLifetime is how long a key that was fetched is used: the service may have been told to use another one.
const keyLifetime = time.Hour

// keyScheme is a kind of key management service.
type keyScheme struct {
	prefix string
	// check says what is wrong with the form of a reference.
	check func(reference string) error
	open  func(ctx context.Context, reference string) (signature.PublicKeyProvider, error)
}

// keySchemes are the services that keys may be kept in, as cosign names them.
var keySchemes = []keyScheme{
	{aws.ReferenceScheme, aws.ValidReference, func(ctx context.Context, reference string) (signature.PublicKeyProvider, error) {
		return aws.LoadSignerVerifier(ctx, reference)
	}},
	{azure.ReferenceScheme, azure.ValidReference, func(ctx context.Context, reference string) (signature.PublicKeyProvider, error) {
		return azure.LoadSignerVerifier(ctx, reference)
	}},
	{gcp.ReferenceScheme, gcp.ValidReference, func(ctx context.Context, reference string) (signature.PublicKeyProvider, error) {
		return gcp.LoadSignerVerifier(ctx, reference)
	}},
	{hashivault.ReferenceScheme, hashivault.ValidReference, func(_ context.Context, reference string) (signature.PublicKeyProvider, error) {
		return hashivault.LoadSignerVerifier(reference, crypto.SHA256)
	}},
}

// schemeOf returns the scheme of a reference; a file has none.
func schemeOf(name string) (keyScheme, bool) {
	for _, s := range keySchemes {
		if strings.HasPrefix(name, s.prefix) {
			return s, true
		}
	}
	return keyScheme{}, false
}

// keyServices are the keys of a policy that services keep, each once however often it is named.
type keyServices struct {
	offline bool
	mu      sync.Mutex
	known   map[string]*keyService
}

func newKeyServices(offline bool) *keyServices {
	return &keyServices{offline: offline, known: map[string]*keyService{}}
}

// find returns the key of a reference, whose form it checks. Nothing is fetched yet.
func (s *keyServices) find(scheme keyScheme, reference string) (*keyService, error) {
	if err := scheme.check(reference); err != nil {
		return nil, fmt.Errorf("is %q: %w", reference, err)
	}
	if s == nil {
		return nil, fmt.Errorf("is %q: no key management service can be asked here", reference)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known[reference] == nil {
		s.known[reference] = &keyService{reference: reference, open: scheme.open, offline: s.offline}
	}
	return s.known[reference], nil
}

// keyService is a public key that is fetched when it is first needed.
type keyService struct {
	reference string // as the policy writes it
	open      func(ctx context.Context, reference string) (signature.PublicKeyProvider, error)
	offline   bool

	mu      sync.Mutex
	fetched *publicKey
	failure error
	until   time.Time // that fetched or failure stays as it is
}

// key returns the public key. What it verifies is verified here: the service is asked for nothing else.
func (s *keyService) key(ctx context.Context) (*publicKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Now().Before(s.until) {
		return s.fetched, s.failure
	}
	if s.offline {
		return nil, fmt.Errorf("key %s is needed for this image, and cannot be fetched offline: store the public key in a file, and name that as the key", s.reference)
	}
	key, err := s.load(ctx)
	if err != nil {
		err = fmt.Errorf("key %s could not be fetched: %s", s.reference, clip(err.Error(), maxReason))
	}
	if ctx.Err() != nil {
		return nil, err // which says nothing of the service
	}
	s.fetched, s.failure, s.until = key, err, time.Now().Add(keyLifetime)
	if err != nil {
		s.until = time.Now().Add(keyRetry)
	}
	return key, err
}

// load fetches the key, and wants as much of it as of one in a file. Services also sign with RSA-PSS, which
// nothing in the key tells.
func (s *keyService) load(ctx context.Context) (*publicKey, error) {
	public, err := s.fetch(ctx)
	if err != nil {
		return nil, err
	}
	if err := strong(public); err != nil {
		return nil, err
	}
	key, err := newPublicKey(s.reference, public)
	if err != nil {
		return nil, err
	}
	if public, ok := public.(*rsa.PublicKey); ok {
		pss, err := signature.LoadRSAPSSVerifier(public, crypto.SHA256, nil)
		if err != nil {
			return nil, err
		}
		key.verifiers = append(key.verifiers, pss)
	}
	return key, nil
}

// fetch asks the service, in bounded time even where its client does not know contexts, as Vault's.
func (s *keyService) fetch(ctx context.Context) (crypto.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, keyTimeout)
	defer cancel()
	type answer struct {
		key crypto.PublicKey
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a = answer{nil, fmt.Errorf("its client failed: %v", p)}
			}
			answered <- a
		}()
		var provider signature.PublicKeyProvider
		if provider, a.err = s.open(ctx, s.reference); a.err == nil {
			a.key, a.err = provider.PublicKey(options.WithContext(ctx))
		}
	}()
	select {
	case a := <-answered:
		if a.err == nil && a.key == nil {
			return nil, errors.New("the service gave no key")
		}
		return a.key, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the service did not answer: %w", ctx.Err())
	}
}
