package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"longtail/internal/run"
	"longtail/train"
	"longtail/train/sweep"
)

// plainInterval is the time between two lines of progress where no terminal watches; runs that begin and end are always said.
const plainInterval = 30 * time.Second

// sweepReport tells a person or a program how a sweep goes: a line for every run at work and one for all on a terminal, plain
// lines otherwise, JSON lines on request.
type sweepReport struct {
	plans         []sweep.Plan
	out, messages io.Writer
	json          bool
	block         *liveBlock // nil where no terminal watches
	last          time.Time  // of the last picture or line of progress

	views  map[int]*runView // of the runs at work
	order  []int            // of views, as the runs began
	steps  []int            // done, of every run
	ended  []bool           // nothing is left to wait for
	done   int              // runs that ended, those done before included
	failed int
	speed  speed
}

// runView is a run at work.
type runView struct {
	progress train.Progress
	testing  *train.Testing
	test     *run.Score // of the last test
	speed    speed
}

// speed measures images a second by the clock, tests included. What comes before the first call only starts it.
type speed struct {
	began  time.Time
	images int
}

func (s *speed) add(images int) {
	if s.began.IsZero() {
		s.began = time.Now()
		return
	}
	s.images += images
}

// rate is 0 while nothing is known.
func (s *speed) rate() float64 {
	if s.images == 0 {
		return 0
	}
	return float64(s.images) / time.Since(s.began).Seconds()
}

func newSweepReport(plans []sweep.Plan, out, messages io.Writer, asJSON bool) *sweepReport {
	r := &sweepReport{
		plans: plans, out: out, messages: messages, json: asJSON, last: time.Now(),
		views: map[int]*runView{}, steps: make([]int, len(plans)), ended: make([]bool, len(plans)),
	}
	for i, p := range plans {
		r.steps[i] = p.Before
		if p.State == sweep.Done {
			r.ended[i] = true
			r.done++
		}
	}
	if isTerminal(messages) && !asJSON {
		r.block = &liveBlock{w: messages}
	}
	return r
}

// sweepEvent is a line of --json; what an event does not have is left out.
type sweepEvent struct {
	Event       string  `json:"event"` // began, started, epoch, ended; result at the end of the sweep, for every run
	Run         string  `json:"run"`
	Folder      string  `json:"folder"`
	From        int     `json:"from_step,omitempty"`
	Steps       int     `json:"steps,omitempty"`
	ImagesPS    float64 `json:"images_per_s,omitempty"` // of all runs together
	SecondsLeft float64 `json:"seconds_left,omitempty"` // of the whole sweep
	*run.Epoch
	State   sweep.State  `json:"state,omitempty"`
	Before  bool         `json:"before,omitempty"` // it was done before
	Error   string       `json:"error,omitempty"`
	Summary *run.Summary `json:"summary,omitempty"`
}

func (r *sweepReport) observe(e sweep.Event) {
	switch {
	case e.Result != nil:
		r.runEnded(e.Run, *e.Result)
	case e.Train != nil:
		r.train(e.Run, e.Train)
	default:
		r.views[e.Run] = &runView{}
		r.order = append(r.order, e.Run)
		r.ended[e.Run] = false
		if r.block == nil { // which shows it
			r.say(e.Run, sweepEvent{Event: "began"}, "begins")
		}
	}
	r.draw(e.Result != nil)
}

func (r *sweepReport) train(i int, e train.Event) {
	v := r.views[i]
	switch e := e.(type) {
	case train.Started:
		r.steps[i] = e.From
		if e.From > 0 {
			r.say(i, sweepEvent{Event: "started", From: e.From, Steps: e.Steps}, fmt.Sprintf("resumes after step %d of %d", e.From, e.Steps))
		} else if r.json {
			r.say(i, sweepEvent{Event: "started", Steps: e.Steps}, "")
		}
	case train.Progress:
		r.steps[i], v.progress, v.testing = e.Step, e, nil
		v.speed.add(e.Samples)
		r.speed.add(e.Samples)
	case train.Testing:
		v.testing = &e
	case train.EpochDone:
		v.testing = nil
		if e.Record.Test != nil {
			v.test = e.Record.Test
		}
		if r.json {
			r.say(i, sweepEvent{Event: "epoch", Epoch: &e.Record, ImagesPS: r.speed.rate(), SecondsLeft: r.left().Seconds()}, "")
		}
	}
}

// runEnded is the end of one run.
func (r *sweepReport) runEnded(i int, result sweep.Result) {
	delete(r.views, i)
	for k, at := range r.order {
		if at == i {
			r.order = append(r.order[:k], r.order[k+1:]...)
			break
		}
	}
	r.ended[i] = result.State != sweep.Interrupted
	event := sweepEvent{Event: "ended", State: result.State, Before: result.Before, Summary: result.Summary}
	var text string
	switch result.State {
	case sweep.Done:
		r.done++
		last, best, _ := result.Summary.Quoted()
		text = fmt.Sprintf("done, test error last %.2f %%, best %.2f %%", 100*last.Error, 100*best.Error)
		if result.Before {
			text += ", by another process"
		}
	case sweep.Failed:
		r.failed++
		event.Error = result.Err.Error()
		text = paint(r.messages, red, "failed:") + " " + firstLine(result.Err)
	case sweep.Interrupted:
		text = "interrupted, its state is saved"
	case sweep.Elsewhere:
		text = "another process is at work on it"
	}
	r.say(i, event, text+r.overall(": "))
}

// say prints what happened to a run: a JSON line, or a line that stays.
func (r *sweepReport) say(i int, e sweepEvent, text string) {
	p := r.plans[i]
	if r.json {
		e.Run, e.Folder = p.Name, p.Config.Out
		json.NewEncoder(r.out).Encode(e) // a reader that went away does not stop the training
		return
	}
	if r.block != nil {
		r.block.clear()
	}
	fmt.Fprintf(r.messages, "%s %s\n", p.Name, text)
}

// overall is the state of the sweep in words, after a separator; empty while there is nothing to say.
func (r *sweepReport) overall(separator string) string {
	parts := []string{fmt.Sprintf("%d of %d runs done", r.done, len(r.plans))}
	if r.failed > 0 {
		parts = append(parts, fmt.Sprintf("%d failed", r.failed))
	}
	if rate := r.speed.rate(); rate > 0 {
		parts = append(parts, fmt.Sprintf("%.0f images/s", rate))
		if left := r.left(); left > 0 {
			parts = append(parts, fmt.Sprintf("%v left", max(left.Round(time.Second), time.Second)))
		}
	}
	return separator + strings.Join(parts, ", ")
}

// left is the time until the last run ends, were all images as quick as those so far; 0 while nothing is known.
func (r *sweepReport) left() time.Duration {
	rate := r.speed.rate()
	if rate == 0 {
		return 0
	}
	images := 0
	for i, p := range r.plans {
		if !r.ended[i] {
			images += (p.Steps - r.steps[i]) * p.Config.Train.Batch
		}
	}
	return time.Duration(float64(images) / rate * float64(time.Second))
}

// draw shows how all runs are, not more often than an eye can follow.
func (r *sweepReport) draw(always bool) {
	now := time.Now()
	switch {
	case r.json:
	case r.block != nil:
		if always || now.Sub(r.last) >= barInterval {
			r.last = now
			r.block.show(r.lines(width(r.messages) - 1)) // a line that wraps would count as two
		}
	case now.Sub(r.last) >= plainInterval:
		r.last = now
		for _, line := range r.lines(plainWidth) {
			fmt.Fprintln(r.messages, line)
		}
	}
}

// lines are the runs at work and the whole. Bars are shortened where lines would be wider than limit.
func (r *sweepReport) lines(limit int) []string {
	wide := 0
	for _, i := range r.order {
		wide = max(wide, len(r.plans[i].Name))
	}
	picture := func(bar int) (lines []string, longest int) {
		for _, i := range r.order {
			line := fmt.Sprintf("%-*s  %s", wide, r.plans[i].Name, r.views[i].line(r.plans[i], bar))
			lines, longest = append(lines, line), max(longest, utf8.RuneCountInString(line))
		}
		return lines, longest
	}
	lines, longest := picture(runBar)
	if longest > limit {
		lines, _ = picture(max(0, runBar-(longest-limit)))
	}
	return append(lines, r.overall(""))
}

// runBar is the width of one run's bar in characters, where there is room.
const runBar = 20

// line shows such as "━━━━────  epoch 12.3 / 200  loss 1.234  test error 45.60 %  1234 images/s", with a bar of that width.
func (v *runView) line(p sweep.Plan, bar int) string {
	if v.progress.Step == 0 {
		return "is being prepared"
	}
	full := bar * v.progress.Step / p.Steps
	epochs := p.Config.Train.Epochs
	line := fmt.Sprintf("%s%s  epoch %.1f / %g  loss %.3f", strings.Repeat("━", full), strings.Repeat("─", bar-full),
		min(v.progress.Epoch, epochs), epochs, v.progress.Loss)
	if v.test != nil {
		line += fmt.Sprintf("  test error %.2f %%", 100*v.test.Error)
	}
	if v.testing != nil {
		return line + fmt.Sprintf("  %s images %d of %d", v.testing.Set, v.testing.Done, v.testing.Total)
	}
	if rate := v.speed.rate(); rate > 0 {
		line += fmt.Sprintf("  %.0f images/s", rate)
	}
	return line
}

// end takes the picture away.
func (r *sweepReport) end() {
	if r.block != nil {
		r.block.clear()
	}
}

// results prints what became of every run.
func (r *sweepReport) results(results []sweep.Result) error {
	if r.json {
		for i, result := range results {
			e := sweepEvent{Event: "result", State: result.State, Before: result.Before, Summary: result.Summary}
			if result.Err != nil {
				e.Error = result.Err.Error()
			}
			r.say(i, e, "")
		}
		return nil
	}
	if freed := freedBytes(results); freed > 0 {
		fmt.Fprintf(r.messages, "removed checkpoints of runs that are done: %s\n", size(freed))
	}
	t := tabwriter.NewWriter(r.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "last %\tbest %\theld-out %\tstate\t  run")
	for i, result := range results {
		last, best, heldOut := "-", "-", "-"
		if s := result.Summary; s != nil {
			l, b, v := s.Quoted()
			last, best = fmt.Sprintf("%.2f", 100*l.Error), fmt.Sprintf("%.2f", 100*b.Error)
			if v != nil {
				heldOut = fmt.Sprintf("%.2f", 100*v.Error)
			}
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t  %s\n", last, best, heldOut, result.State, r.plans[i].Config.Out)
	}
	return t.Flush()
}

func freedBytes(results []sweep.Result) (n int64) {
	for _, r := range results {
		n += r.Freed
	}
	return n
}

// size is a number of bytes for people.
func size(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return fmt.Sprintf("%.1f GB", float64(bytes)/1e9)
	case bytes >= 1e6:
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%d kB", (bytes+999)/1000)
}

// liveBlock is a few lines at the bottom of a terminal that are drawn over and over.
type liveBlock struct {
	w     io.Writer
	lines int // that stand there
}

func (b *liveBlock) show(lines []string) {
	limit := max(width(b.w)-1, 0)
	var text strings.Builder
	for _, line := range lines {
		if runes := []rune(line); len(runes) > limit {
			line = string(runes[:limit])
		}
		text.WriteString(line + "\x1b[K\n")
	}
	b.clear()
	io.WriteString(b.w, text.String())
	b.lines = len(lines)
}

// clear takes the lines away and leaves the cursor where the first one stood.
func (b *liveBlock) clear() {
	if b.lines > 0 {
		fmt.Fprintf(b.w, "\x1b[%dA\x1b[J", b.lines)
		b.lines = 0
	}
}
