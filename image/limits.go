package image

import (
	"cmp"
	"time"
)

// Limits bound what is read. A zero field means its default.
type Limits struct {
	Manifest       int64         // bytes of one manifest or index; 4 MiB
	Config         int64         // bytes of one configuration; 8 MiB
	Manifests      int           // manifests below an index, all levels together; 100
	Depth          int           // indexes inside indexes, the outermost counted; 3
	Layers         int           // layers of one platform; 512
	Compressed     int64         // bytes of all layers of one platform as stored; 5 GiB
	Uncompressed   int64         // bytes of all layers of one platform unpacked; 20 GiB
	Ratio          int64         // unpacked bytes for each stored one; 200
	RatioFloor     int64         // unpacked bytes below which Ratio is not asked for; 100 MiB
	Entries        int           // files of all layers of one platform; 1,000,000
	EntryBytes     int64         // stored bytes for each of the files; 16
	EntryFloor     int           // files below which EntryBytes is not asked for; 100,000
	Path           int           // bytes of one path in a layer; 4,096
	Kept           int64         // bytes of file contents kept on disk for Files.Open; 8 GiB
	Signatures     int           // signatures and attestations beside one image; 50
	SignatureBytes int64         // bytes of them all; 10 MiB
	Pages          int           // pages of one listing; 20
	Redirects      int           // of one request; 10
	Connect        time.Duration // until a connection stands; 10 s
	Header         time.Duration // until an answer begins; 15 s
	Idle           time.Duration // that a body may go without progress; 30 s
}

// DefaultLimits are the limits that a zero Limits stands for.
func DefaultLimits() Limits {
	return Limits{
		Manifest:       4 << 20,
		Config:         8 << 20,
		Manifests:      100,
		Depth:          3,
		Layers:         512,
		Compressed:     5 << 30,
		Uncompressed:   20 << 30,
		Ratio:          200,
		RatioFloor:     100 << 20,
		Entries:        1_000_000,
		EntryBytes:     16,
		EntryFloor:     100_000,
		Path:           4096,
		Kept:           8 << 30,
		Signatures:     50,
		SignatureBytes: 10 << 20,
		Pages:          20,
		Redirects:      10,
		Connect:        10 * time.Second,
		Header:         15 * time.Second,
		Idle:           30 * time.Second,
	}
}

// orDefault returns l with its zero fields taken from d.
func (l Limits) orDefault(d Limits) Limits {
	return Limits{
		Manifest:       cmp.Or(l.Manifest, d.Manifest),
		Config:         cmp.Or(l.Config, d.Config),
		Manifests:      cmp.Or(l.Manifests, d.Manifests),
		Depth:          cmp.Or(l.Depth, d.Depth),
		Layers:         cmp.Or(l.Layers, d.Layers),
		Compressed:     cmp.Or(l.Compressed, d.Compressed),
		Uncompressed:   cmp.Or(l.Uncompressed, d.Uncompressed),
		Ratio:          cmp.Or(l.Ratio, d.Ratio),
		RatioFloor:     cmp.Or(l.RatioFloor, d.RatioFloor),
		Entries:        cmp.Or(l.Entries, d.Entries),
		EntryBytes:     cmp.Or(l.EntryBytes, d.EntryBytes),
		EntryFloor:     cmp.Or(l.EntryFloor, d.EntryFloor),
		Path:           cmp.Or(l.Path, d.Path),
		Kept:           cmp.Or(l.Kept, d.Kept),
		Signatures:     cmp.Or(l.Signatures, d.Signatures),
		SignatureBytes: cmp.Or(l.SignatureBytes, d.SignatureBytes),
		Pages:          cmp.Or(l.Pages, d.Pages),
		Redirects:      cmp.Or(l.Redirects, d.Redirects),
		Connect:        cmp.Or(l.Connect, d.Connect),
		Header:         cmp.Or(l.Header, d.Header),
		Idle:           cmp.Or(l.Idle, d.Idle),
	}
}
