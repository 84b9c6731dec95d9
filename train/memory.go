package train

import (
	"fmt"

	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// Memory is what a training needs on a device, in bytes, and how it comes by that.
type Memory struct {
	Train      int64         // a training step, with parameters and momenta
	Evaluation int64         // of the sets that are evaluated
	Available  int64         // on the device; 0: not known
	Program    *plan.Program // the training program, with checkpoints where they are wanted
	Note       string        // what is computed twice, in a line for people; empty for nothing

	every int // of plan.Checkpoint; 0: nothing is computed twice
}

// total is what a run needs.
func (m *Memory) total() int64 { return m.Train + m.Evaluation }

// short reports whether there is less than a run needs.
func (m *Memory) short() bool { return m.Available > 0 && m.total() > m.Available }

// FitMemory finds out what a training program needs beside evaluation programs of so many bytes, and takes checkpoints as train.checkpoint
// wants them (plan.Checkpoint): the bits of the training stay the same. Where there is too little memory even so, the device error names a batch
// size that fits, which replan plans programs for.
func FitMemory(cfg *config.Config, d *device.Device, p *plan.Program, evaluation int64, replan func(batch int) (*plan.Program, error)) (*Memory, error) {
	m, err := fitMemory(cfg.Train.Checkpoint, d, p, evaluation)
	if err != nil || !m.short() {
		return m, err
	}
	hint := "lower train.batch or choose a smaller model.name"
	if cfg.Train.Checkpoint == config.CheckpointNever {
		hint = "leave train.checkpoint=never out, lower train.batch or choose a smaller model.name"
	}
	fits := largest(p.Batch, func(batch int) bool {
		q, err := replan(batch)
		if err != nil {
			return false
		}
		if m.every > 0 {
			q = plan.Checkpoint(q, m.every)
		}
		need, _ := d.Memory(q, d.Precision)
		return need+evaluation <= m.Available
	})
	if fits > 0 {
		hint += fmt.Sprintf("; train.batch=%d fits", fits)
	}
	return m, fail.Device("a batch of %d images needs %.1f GB of memory, and %.1f GB are available\n%s", p.Batch, gigabytes(m.total()), gigabytes(m.Available), hint)
}

// largest is the largest batch below one that fits, rounded to eights; 0 where none does.
func largest(below int, fits func(batch int) bool) int {
	least, most := 0, (below-1)/8 // in eights
	for least < most {
		middle := (least + most + 1) / 2
		if fits(8 * middle) {
			least = middle
		} else {
			most = middle - 1
		}
	}
	return 8 * least
}

// fitMemory is FitMemory without a word on memory that does not suffice.
func fitMemory(mode string, d *device.Device, p *plan.Program, evaluation int64) (*Memory, error) {
	m := &Memory{Evaluation: evaluation, Program: p}
	m.Train, m.Available = d.Memory(p, d.Precision)
	if mode == config.CheckpointNever || mode == device.Auto && !m.short() {
		return m, nil
	}
	best, every, need := leastMemory(d, p)
	if best == nil {
		if mode == config.CheckpointAlways {
			return m, d.Check(plan.Checkpoint(p, 1), d.Precision)
		}
		return m, nil
	}
	if mode == device.Auto && need >= m.Train {
		return m, nil
	}
	m.Note = fmt.Sprintf("memory: a step needs %.3g GB in place of %.3g GB, because %d of %d convolutions are computed twice (train.checkpoint=%s); its bits are the same",
		gigabytes(need), gigabytes(m.Train), best.Repeated(), p.Convolutions(), mode)
	m.Program, m.Train, m.every = best, need, every
	return m, nil
}

// farthest is how many residual blocks lie between two sums that are kept, at most, in what leastMemory tries: the least memory of all networks
// that there are is found within.
const farthest = 8

// leastMemory is the program with a checkpoint at every nth sum that needs the least memory; nil where the device runs none, or none repeats
// anything.
func leastMemory(d *device.Device, p *plan.Program) (best *plan.Program, every int, need int64) {
	for n := 1; n <= min(p.Blocks(), farthest); n++ {
		q := plan.Checkpoint(p, n)
		if q.Repeated() == 0 || d.Check(q, d.Precision) != nil {
			continue
		}
		if needs, _ := d.Memory(q, d.Precision); best == nil || needs < need {
			best, every, need = q, n, needs
		}
	}
	return best, every, need
}

func gigabytes(bytes int64) float64 { return float64(bytes) / 1e9 }

// fit is FitMemory for the programs of a run that evaluates so many sets.
func (p *Programs) fit(cfg *config.Config, d *device.Device, sets int) (*Memory, error) {
	each, _ := d.Memory(p.Eval, d.Precision)
	m, err := FitMemory(cfg, d, p.Train, int64(sets)*each, p.replan)
	if m != nil {
		p.Train = m.Program
	}
	return m, err
}
