package train

import (
	"fmt"
	"slices"

	"longtail/data"
	"longtail/internal/device"
	"longtail/internal/plan"
)

// open opens the programs: one session for training and, on its parameters, one for each set to evaluate.
func (w *openJob) open(d *device.Device) (err error) {
	if w.Train, err = w.session(d, w.programs.Train, w.data.Train); err != nil {
		return err
	}
	if w.Test, err = w.evaluator(d, w.data.Test); err != nil {
		return err
	}
	if w.sets() > 1 {
		w.Validation, err = w.evaluator(d, w.data.Validation)
	}
	return err
}

// sets is the number of sets that are evaluated.
func (w *openJob) sets() int {
	if w.data.Validation.Len() > 0 {
		return 2
	}
	return 1
}

func (w *openJob) evaluator(d *device.Device, images data.Images) (*Evaluator, error) {
	s, err := w.session(d, w.programs.Eval, images)
	return &Evaluator{Session: s, Labels: images.Labels, Batch: w.programs.Eval.Batch, Divisor: w.Config.Loss.Divisor}, err
}

// session opens a program; all after the first share its parameters.
func (w *openJob) session(d *device.Device, p *plan.Program, images data.Images) (device.Session, error) {
	var share device.Session
	if len(w.sessions) > 0 {
		share = w.sessions[0]
	}
	s, err := d.Open(p, d.Precision, images, share)
	if err != nil {
		return nil, fmt.Errorf("opening the %s: %w", p.Summary(), err)
	}
	w.sessions = append(w.sessions, s)
	return s, nil
}

// close frees the sessions. Their results are in files by then, so that an error in freeing memory loses nothing.
func (w *openJob) close() {
	for _, s := range slices.Backward(w.sessions) {
		s.Close()
	}
}
