package bench

import (
	"longtail/internal/device"
	"longtail/internal/fail"
)

// profile measures the peak of a core and the passes of a step, where the session can tell them.
func (b *measured) profile(o Options, m *Measurement) error {
	p, ok := b.sessions[0].(device.Profiler)
	if !ok {
		if o.Profile > 0 {
			return fail.Usage("--profile is not for this device\nuse --device cpu")
		}
		return nil
	}
	m.PeakGFLOPS = p.Peak() / 1e9
	if o.Profile == 0 {
		return nil
	}
	batch := b.cfg.Train.Batch
	order, err := b.order.Take(b.at*batch, o.Profile*batch)
	if err != nil {
		return err
	}
	m.Passes, err = p.Profile(order, b.at, o.Profile)
	b.at += o.Profile
	return err
}
