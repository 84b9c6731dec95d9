package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"longtail/eval"
	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/internal/posthoc"
	"longtail/internal/run"
	"longtail/train"
)

// trainReport tells a person or a program how a training goes: a bar on a terminal, one line an epoch otherwise, JSON lines
// on request.
type trainReport struct {
	cfg           *config.Config
	out, messages io.Writer
	json          bool
	bar           *trainBar // nil where no terminal watches
	meter         meter
	best          float64 // lowest test error so far
}

func newTrainReport(cfg *config.Config, out, messages io.Writer, asJSON bool) *trainReport {
	r := &trainReport{cfg: cfg, out: out, messages: messages, json: asJSON, best: 2}
	if isTerminal(messages) && !asJSON {
		r.bar = &trainBar{w: messages}
	}
	return r
}

// jsonEvent is a line of --json; what an event does not have is left out.
type jsonEvent struct {
	Event    string  `json:"event"` // started, epoch, finished or done (before)
	Folder   string  `json:"folder,omitempty"`
	From     int     `json:"from_step,omitempty"`
	Steps    int     `json:"steps,omitempty"`
	Images   int     `json:"images,omitempty"`
	ImagesPS float64 `json:"images_per_s,omitempty"`
	*run.Epoch
	Summary *run.Summary `json:"summary,omitempty"`
}

func (r *trainReport) observe(e train.Event) error {
	switch e := e.(type) {
	case train.Remark:
		fmt.Fprintf(r.messages, "%s: %s\n", r.cfg.Out, e.Text)
	case train.Started:
		return r.started(e)
	case train.Progress:
		r.meter.add(e)
		if r.bar != nil {
			r.bar.draw(r.cfg.Train.Epochs, e, &r.meter)
		}
	case train.Testing:
		if r.bar != nil {
			r.bar.testing(e)
		}
	case train.EpochDone:
		return r.epoch(e)
	}
	return nil
}

func (r *trainReport) started(e train.Started) error {
	r.meter = meter{steps: e.Steps}
	if r.json {
		return r.line(jsonEvent{Event: "started", Folder: r.cfg.Out, From: e.From, Steps: e.Steps, Images: e.Images})
	}
	c := r.cfg
	fmt.Fprintf(r.messages, "%s: %s with %s on %d images of %s, %d steps of %d in %g epochs\n", c.Out, c.Network(), c.Loss.Name, e.Images, c.Data.Dataset, e.Steps, e.Batch, e.Epochs)
	if e.From > 0 {
		fmt.Fprintf(r.messages, "resumes after step %d\n", e.From)
	}
	return nil
}

func (r *trainReport) epoch(e train.EpochDone) error {
	record := e.Record
	if r.json {
		return r.line(jsonEvent{Event: "epoch", ImagesPS: r.meter.rate(), Epoch: &record})
	}
	if record.Test != nil {
		r.best = min(r.best, record.Test.Error)
	}
	if r.bar != nil {
		r.bar.test = record.Test
		return nil
	}
	line := fmt.Sprintf("epoch %g of %g  loss %.4f  error %.2f %%", record.Epoch, r.cfg.Train.Epochs, record.Train.Loss, 100*record.Train.Error)
	if record.Test != nil {
		line += fmt.Sprintf("  test error %.2f %%, best %.2f %%", 100*record.Test.Error, 100*r.best)
	}
	if rate := r.meter.rate(); rate > 0 {
		line += fmt.Sprintf("  %.0f images/s", rate)
	}
	fmt.Fprintln(r.messages, line)
	return nil
}

// line prints a line of --json. Training does not stop where it cannot be written: stdout remembers that (output), and the program ends
// with it.
func (r *trainReport) line(e jsonEvent) error {
	_ = json.NewEncoder(r.out).Encode(e)
	return nil
}

// end leaves the bar's line.
func (r *trainReport) end() {
	if r.bar != nil {
		r.bar.end()
	}
}

// result prints what came out, and the command that comes next.
func (r *trainReport) result(o *train.Outcome) error {
	if r.json {
		event := "finished"
		if o.Before {
			event = "done"
		}
		return r.line(jsonEvent{Event: event, Folder: o.Folder, Summary: o.Summary})
	}
	if o.Before {
		fmt.Fprintf(r.messages, "%s is done: nothing is left to train\n", o.Folder)
		if o.Summary.Seal == nil {
			fmt.Fprintf(r.messages, unsealed, 1, 1)
		}
	}
	s := o.Summary
	fmt.Fprintf(r.out, "test error  last %.2f %%  best %.2f %% (epoch %g)\n", 100*s.Last.Error, 100*s.Best.Error, s.Best.Epoch)
	if a := s.Adjusted; a != nil {
		fmt.Fprintf(r.out, "            last %.2f %%  best %.2f %% after %s\n", 100*a.Last.Error, 100*a.Best.Error, adjustment(a))
	}
	if s.BestByValidation != nil {
		fmt.Fprintf(r.out, "            %.2f %% where the held-out images were best (epoch %g)\n", 100*s.BestByValidation.Error, s.BestByValidation.Epoch)
	}
	fmt.Fprintf(r.out, "            %s\n", partErrors(eval.Thirds(s.Counts, s.Last.PerClass)))
	if _, err := fmt.Fprintf(r.out, "run folder  %s\n", o.Folder); err != nil {
		return err
	}
	fmt.Fprintf(r.messages, "next: %s\n", fail.CommandLine([]string{"longtail", "eval", fail.Path(o.Folder)}))
	return nil
}

// adjustment is the method of adjusted results, with the tau of the last checkpoint.
func adjustment(a *run.Adjusted) string {
	return evalAdjusted{Method: posthoc.Method(a.Method), Auto: a.Auto, Tau: a.Last.Tau}.title()
}

// partErrors are the errors of parts of the classes: "head 5.10 %  middle 20.00 %  tail 55.30 %".
func partErrors(parts []eval.Part) string {
	var all []string
	for _, p := range parts {
		if p.Classes > 0 {
			all = append(all, fmt.Sprintf("%s %.2f %%", p.Name, 100*(1-p.Accuracy)))
		}
	}
	return strings.Join(all, "  ")
}

// meter measures the speed of training. The first call of the backend, which allocates, does not count, and tests count
// for the time that is left but not for the images a second.
type meter struct {
	steps   int // of the run
	done    int // steps of the run that are done
	since   int // done when the measurement began
	began   time.Time
	samples int
	seconds float64
	warm    bool
}

func (m *meter) add(p train.Progress) {
	m.done = p.Step
	if !m.warm {
		m.warm, m.since, m.began = true, p.Step, time.Now()
		return
	}
	m.samples += p.Samples
	m.seconds += p.Seconds
}

// rate is images a second of training; 0 while nothing is known.
func (m *meter) rate() float64 {
	if m.seconds == 0 {
		return 0
	}
	return float64(m.samples) / m.seconds
}

// left is the time until the last step; 0 while nothing is known.
func (m *meter) left() time.Duration {
	if m.done == m.since {
		return 0
	}
	return time.Since(m.began) / time.Duration(m.done-m.since) * time.Duration(m.steps-m.done)
}

// trainBar draws one line over and over.
type trainBar struct {
	w    io.Writer
	last time.Time
	test *run.Score // of the last test
	on   bool       // something stands in the line
}

// draw shows such as "epoch 12.3 / 200 ━━━━━━─────  loss 1.234  test error 45.60 %  1234 images/s  3m20s left".
func (b *trainBar) draw(epochs float64, p train.Progress, m *meter) {
	full := barWidth * p.Step / m.steps
	line := fmt.Sprintf("epoch %.1f / %g %s%s  loss %.3f", min(p.Epoch, epochs), epochs, paint(b.w, cyan, strings.Repeat("━", full)), strings.Repeat("─", barWidth-full), p.Loss)
	if b.test != nil {
		line += fmt.Sprintf("  test error %.2f %%", 100*b.test.Error)
	}
	if rate := m.rate(); rate > 0 {
		line += fmt.Sprintf("  %.0f images/s  %v left", rate, m.left().Round(time.Second))
	}
	b.show(line, p.Step == m.steps)
}

func (b *trainBar) testing(t train.Testing) {
	b.show(fmt.Sprintf("%s images %d of %d", t.Set, t.Done, t.Total), false)
}

// show replaces the line, not more often than an eye can follow.
func (b *trainBar) show(line string, always bool) {
	if now := time.Now(); always || now.Sub(b.last) >= barInterval {
		b.last, b.on = now, true
		fmt.Fprintf(b.w, "\r%s\x1b[K", fit(line, width(b.w)-1))
	}
}

// fit cuts a line, colours and all, down to so many characters: one that wraps cannot be drawn over.
func fit(line string, limit int) string {
	var out strings.Builder
	shown, colour := 0, false
	for _, r := range line {
		switch {
		case r == '\x1b':
			colour = true
		case !colour:
			if shown++; shown > limit {
				continue
			}
		}
		out.WriteRune(r)
		colour = colour && r != 'm'
	}
	return out.String()
}

func (b *trainBar) end() {
	if b.on {
		fmt.Fprintln(b.w)
	}
}
