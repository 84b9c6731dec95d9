package cpu

import (
	"slices"
	"time"

	"longtail/internal/device"
)

// partKey is a part of a pass over the batch.
type partKey struct{ level, pass, part int }

// part runs a part of a pass and measures it; a nil clock measures nothing.
func (c *clock) part(key partKey, run func()) {
	if c == nil {
		run()
		return
	}
	start := time.Now()
	run()
	if c.parts == nil {
		c.parts = map[partKey][]float64{}
	}
	c.parts[key] = append(c.parts[key], float64(time.Since(start)))
}

// addBatchPasses adds the passes over the batch: each part counts with the least of the steps.
func (t *totals) addBatchPasses(s *session) {
	all := map[partKey][]float64{}
	for _, w := range s.pool.workers {
		for key, took := range w.clock.parts {
			all[key] = append(all[key], took...)
		}
	}
	for i := range s.levels {
		for k, p := range s.levels[i].passes {
			nanos := 0.0
			for part := range p.parts {
				nanos += slices.Min(all[partKey{i, k, part}])
			}
			c := p.cost
			t.merge(device.Pass{
				Name: c.name, Kind: c.kind, Count: 1, Nanos: nanos / float64(s.program.Batch), Bytes: c.bytes, Flops: c.flops, Direct: c.direct,
			})
		}
	}
}
