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

// walk is what the readings of a platform's layers share.
type walk struct {
	platform *Platform
	limits   Limits
	options  Options
	kept     *budget
	records  []*record // in the order of the platform's layers
}

func newWalk(p *Platform, limits Limits, o Options) walk {
	kept := limitedTo(limits.Kept, limited("the file contents to be kept on disk", limits.Kept, "bytes"))
	return walk{platform: p, limits: limits, options: o, kept: kept}
}

// reading is one layer to be read, for all places where the platform lists it.
type reading struct {
	layer  Layer
	places []int
	record *record
	err    error
}

// readings are the layers of the platform, each once, the largest first: so that it does not keep everybody
// waiting in the end.
func (w *walk) readings() []*reading {
	var all []*reading
	known := map[Layer]*reading{}
	for i, l := range w.platform.Layers {
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

// recorder makes the recorder of one goroutine. The budgets are all goroutines'.
func (w *walk) recorder(visit Visit, unpacked, entries *budget) *recorder {
	return &recorder{
		source: w.platform.source, spell: spellingFor(w.platform.Config.OS), limits: w.limits, visit: visit,
		budget: unpacked, entries: entries,
		spool: &spool{dir: w.options.TempDir, budget: w.kept},
	}
}

// budgets are for reading so many layers.
func (w *walk) budgets(all []*reading) (unpacked, entries *budget) {
	var stored int64
	for _, r := range all {
		stored += r.layer.Size
	}
	return newBudget(w.limits, stored), newEntryBudget(w.limits, stored)
}

// read makes the records of all layers.
func (f *Files) read(ctx context.Context) error {
	w := &f.walk
	all := w.readings()
	unpacked, entries := w.budgets(all)
	together, cancel := context.WithCancel(ctx)
	defer cancel()
	todo := make(chan *reading, len(all))
	for _, r := range all {
		todo <- r
	}
	close(todo)
	var readers sync.WaitGroup
	for range min(len(all), maxReaders, runtime.GOMAXPROCS(0)) {
		own := w.recorder(w.options.Visit, unpacked, entries)
		f.spools = append(f.spools, own.spool)
		readers.Go(func() {
			for r := range todo {
				if r.record, r.err = own.layer(together, w, r.layer, r.progress(w.options)); r.err != nil {
					cancel()
				}
			}
		})
	}
	readers.Wait()
	if err := ctx.Err(); err != nil {
		return err // a small layer may be read to its end before anybody looks
	}
	var err error
	w.records, err = w.collect(all)
	return err
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
func (w *walk) collect(all []*reading) ([]*record, error) {
	records := make([]*record, len(w.platform.Layers))
	failed := make([]error, len(records))
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
		return nil, layerError(first, w.platform.Layers[first], failed[first])
	}
	return records, nil
}

// Keep reads the layers of entries again and keeps the contents of those, for Open. It must not be called while
// Open is.
func (f *Files) Keep(ctx context.Context, entries []*Entry) error {
	wanted, layers := map[*Member]bool{}, map[int]bool{}
	for _, e := range entries {
		if e.Type == Hardlink && e.Target != nil {
			e = e.Target
		}
		wanted[e.Member], layers[e.Layer] = true, true
	}
	for _, r := range f.walk.readings() {
		if !slices.ContainsFunc(r.places, func(i int) bool { return layers[i] }) {
			continue
		}
		if err := f.keep(ctx, r, wanted); err != nil {
			return layerError(r.places[0], r.layer, err)
		}
	}
	return nil
}

// keep reads one layer again, of which all digests were found to be right before.
func (f *Files) keep(ctx context.Context, r *reading, wanted map[*Member]bool) error {
	known := f.walk.records[r.places[0]].members
	unpacked, entries := f.walk.budgets([]*reading{r})
	var again *recorder
	again = f.walk.recorder(func(_ *Member, c *Content) (bool, error) {
		if wanted[known[len(again.made.members)]] {
			return true, nil
		}
		c.Drop()
		return false, nil
	}, unpacked, entries)
	f.spools = append(f.spools, again.spool)
	made, err := again.record(ctx, r.layer, r.progress(f.walk.options))
	if err != nil {
		return err
	}
	for i, m := range made.members {
		if m.kept.here() {
			known[i].kept = m.kept
		}
	}
	return nil
}
