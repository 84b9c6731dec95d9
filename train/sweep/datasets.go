package sweep

import (
	"context"
	"sync"

	"longtail/data"
)

// datasets loads each set of images once for all runs that want it at the same time, and keeps the last one that no run
// wants any more, for the run that comes next: a sweep has no more sets in memory than runs at once, and one.
type datasets struct {
	load func(context.Context, data.Spec) (*data.Dataset, error)

	mu   sync.Mutex
	sets map[data.Spec]*sharedSet
	idle *data.Spec // loaded, and not in use
}

type sharedSet struct {
	users int
	once  sync.Once
	data  *data.Dataset
	err   error
}

func newDatasets() *datasets {
	return &datasets{load: data.Load, sets: map[data.Spec]*sharedSet{}}
}

// take gives the set; release must follow, whatever the error. The set is shared and must not be changed.
func (d *datasets) take(ctx context.Context, spec data.Spec) (*data.Dataset, error) {
	d.mu.Lock()
	set := d.sets[spec]
	if set == nil {
		set = &sharedSet{}
		d.sets[spec] = set
	}
	if set.users++; d.idle != nil && *d.idle == spec {
		d.idle = nil
	}
	d.mu.Unlock()
	set.once.Do(func() { set.data, set.err = d.load(ctx, spec) })
	return set.data, set.err
}

func (d *datasets) release(spec data.Spec) {
	d.mu.Lock()
	defer d.mu.Unlock()
	set := d.sets[spec]
	if set.users--; set.users > 0 {
		return
	}
	if d.idle != nil {
		delete(d.sets, *d.idle)
	}
	d.idle = &spec
}
