package train

import (
	"fmt"
	"slices"

	"longtail/data"
	"longtail/internal/plan"
)

// open lowers the programs and opens them: one session for training and, on its parameters, one for each set to evaluate.
func (w *work) open(backend plan.Backend) (err error) {
	for _, program := range []*plan.Program{w.programs.Train, w.programs.Eval} {
		if err := backend.Lower(program, plan.Precision(w.Config.Precision)); err != nil {
			return err
		}
	}
	if w.Train, err = w.session(backend, w.programs.Train, w.data.Train); err != nil {
		return err
	}
	if w.Test, err = w.evaluator(backend, w.data.Test); err != nil {
		return err
	}
	if w.data.Validation.Len() > 0 {
		w.Validation, err = w.evaluator(backend, w.data.Validation)
	}
	return err
}

func (w *work) evaluator(backend plan.Backend, images data.Images) (*Evaluator, error) {
	s, err := w.session(backend, w.programs.Eval, images)
	return &Evaluator{s, images.Len(), w.programs.Eval.Batch}, err
}

// session opens a program; all after the first share its parameters.
func (w *work) session(backend plan.Backend, p *plan.Program, images data.Images) (plan.Session, error) {
	var share plan.Session
	if len(w.sessions) > 0 {
		share = w.sessions[0]
	}
	s, err := backend.Open(p, images, share)
	if err != nil {
		return nil, fmt.Errorf("opening the %s: %w", p.Summary(), err)
	}
	w.sessions = append(w.sessions, s)
	return s, nil
}

// close frees the sessions. Their results are in files by then, so that an error in freeing memory loses nothing.
func (w *work) close() {
	for _, s := range slices.Backward(w.sessions) {
		s.Close()
	}
}
