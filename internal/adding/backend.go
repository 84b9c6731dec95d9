package adding

import (
	"sync/atomic"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/plan"
)

func init() {
	device.Register(device.Driver{
		Name: "counted", Rank: -1, Precisions: []device.Precision{device.FP32},
		Open: func(o device.Options) (device.Backend, error) {
			inner, err := device.Open("cpu", string(device.FP32), o)
			if err != nil {
				return nil, err
			}
			return &counted{Backend: inner.Backend}, nil
		},
		Describe: func(device.Options) string { return "the cpu, counting steps" },
	})
}

// Steps is how many training steps the backend "counted" has done in this process.
var Steps atomic.Int64

// counted is a backend that lets another one compute and counts its training steps.
type counted struct{ device.Backend }

func (b *counted) Info() device.Info {
	info := b.Backend.Info()
	info.Name, info.Description = "counted", "counted "+info.Description
	return info
}

func (b *counted) Open(p *plan.Program, precision device.Precision, images data.Images, share device.Session) (device.Session, error) {
	if s, ok := share.(*countedSession); ok {
		share = s.Session
	}
	s, err := b.Backend.Open(p, precision, images, share)
	if err != nil {
		return nil, err
	}
	return &countedSession{s, p.Train}, nil
}

type countedSession struct {
	device.Session
	train bool
}

func (s *countedSession) Run(order []int32, first, n int) (device.Sums, error) {
	if s.train {
		Steps.Add(int64(n))
	}
	return s.Session.Run(order, first, n)
}
