package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

const (
	barWidth    = 30
	barInterval = 100 * time.Millisecond // on a terminal
	lineStep    = 10                     // percent between two lines elsewhere
)

// unit is what a bar counts.
type unit struct {
	name string
	per  int64 // what is reported for each of them
}

// transferProgress reports on a transfer of bytes, as unit.progress does.
func transferProgress(w io.Writer, name string) (report func(done, total int64), finish func()) {
	return unit{"MB", 1e6}.progress(w, name)
}

// countProgress reports on a number of things.
func countProgress(w io.Writer, name, things string) (report func(done, total int), finish func()) {
	report64, finish := unit{things, 1}.progress(w, name)
	return func(done, total int) { report64(int64(done), int64(total)) }, finish
}

// progress reports on a task: a bar on a terminal, a line every tenth elsewhere. The second function ends the report.
func (u unit) progress(w io.Writer, name string) (report func(done, total int64), finish func()) {
	if isTerminal(w) {
		bar := &transferBar{w: w, name: name, unit: u, start: time.Now()}
		return bar.report, bar.finish
	}
	next := int64(0)
	return func(done, total int64) {
		if percent := 100 * done / max(total, 1); percent >= next {
			fmt.Fprintf(w, "%s: %d of %d %s (%d%%)\n", name, done/u.per, total/u.per, u.name, percent)
			next = percent - percent%lineStep + lineStep
		}
	}, func() {}
}

// transferBar draws one line over and over.
type transferBar struct {
	w           io.Writer
	name        string
	unit        unit
	start, last time.Time
	first       int64 // what was there before the first report
	begun       bool
}

func (b *transferBar) report(done, total int64) {
	if !b.begun {
		b.begun, b.first = true, done
	}
	if now := time.Now(); now.Sub(b.last) >= barInterval || done == total {
		b.last = now
		fmt.Fprintf(b.w, "\r%s\x1b[K", fit(b.line(done, total, now.Sub(b.start)), width(b.w)-1))
	}
}

// line is such as "cifar10 ━━━━━━─────  85 / 170 MB  12.3 MB/s  7s left".
func (b *transferBar) line(done, total int64, spent time.Duration) string {
	full := int(int64(barWidth) * min(done, total) / max(total, 1))
	line := fmt.Sprintf("%s %s%s %4d / %d %s", b.name, paint(b.w, cyan, strings.Repeat("━", full)), strings.Repeat("─", barWidth-full), done/b.unit.per, total/b.unit.per, b.unit.name)
	rate := float64(done-b.first) / max(spent.Seconds(), 1e-9)
	if rate < 1 || spent < time.Second {
		return line
	}
	left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
	return line + fmt.Sprintf("  %.1f %s/s  %v left", rate/float64(b.unit.per), b.unit.name, max(left, 0))
}

func (b *transferBar) finish() {
	if b.begun {
		fmt.Fprintln(b.w)
	}
}
