package image

import (
	"cmp"
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
)

// maxReaders is how many layers are read at the same time at most: each takes some megabytes of memory.
const maxReaders = 4

// reading is one layer to be read, for all places where the platform lists it.
type reading struct {
	layer  Layer
	places []int
	record *record
	err    error
}

// readings are the layers of a platform, each once, the largest first: so that it does not keep everybody
// waiting in the end.
func readings(p *Platform) []*reading {
	var all []*reading
	known := map[Layer]*reading{}
	for i, l := range p.Layers {
		l.CreatedBy = ""
		r := known[l]
		if r == nil {
			r = &reading{layer: l}
			known[l], all = r, append(all, r)
		}
		r.places = append(r.places, i)
	}
	slices.SortStableFunc(all, func(a, b *reading) int { return cmp.Compare(b.layer.Size, a.layer.Size) })
	return all
}

// read makes the records of all layers, in the order of the platform.
func (f *Files) read(ctx context.Context, p *Platform, limits Limits, o Options) ([]*record, error) {
	all := readings(p)
	var stored int64
	for _, r := range all {
		stored += r.layer.Size
	}
	shared := recorder{
		source: p.source, spell: spellingFor(p.Config.OS), limits: limits, visit: o.Visit,
		budget:  newBudget(limits, stored),
		entries: limitedTo(int64(limits.Entries), tooManyEntries(limits)),
	}
	kept := limitedTo(limits.Kept, limited("the file contents to be kept on disk", limits.Kept, "bytes"))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	todo := make(chan *reading, len(all))
	for _, r := range all {
		todo <- r
	}
	close(todo)
	var readers sync.WaitGroup
	for range min(len(all), maxReaders, runtime.GOMAXPROCS(0)) {
		own := shared
		own.spool = &spool{dir: o.TempDir, budget: kept}
		f.spools = append(f.spools, own.spool)
		readers.Go(func() {
			for r := range todo {
				if r.record, r.err = own.record(ctx, r.layer, r.progress(o)); r.err != nil {
					cancel()
				}
			}
		})
	}
	readers.Wait()
	return collect(p, all)
}

func tooManyEntries(l Limits) error { return limited("the number of files", l.Entries, "files") }

// progress tells what was read of the layer, as the first one of its places.
func (r *reading) progress(o Options) func(read int64) {
	if o.Progress == nil {
		return func(int64) {}
	}
	return func(read int64) { o.Progress(r.places[0], read, r.layer.Size) }
}

// collect puts the records where their layers are. What one error made the others end with does not count.
func collect(p *Platform, all []*reading) ([]*record, error) {
	records := make([]*record, len(p.Layers))
	failed := make([]error, len(p.Layers))
	for _, r := range all {
		for _, i := range r.places {
			records[i], failed[i] = r.record, r.err
		}
	}
	first := -1
	for i, err := range failed {
		if err != nil && (first < 0 || errors.Is(failed[first], context.Canceled) && !errors.Is(err, context.Canceled)) {
			first = i
		}
	}
	if first >= 0 {
		return nil, layerError(first, p.Layers[first], failed[first])
	}
	return records, nil
}
