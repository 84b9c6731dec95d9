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

// transferProgress reports on a transfer of bytes: a bar on a terminal, a line every tenth elsewhere. The second function
// ends the report.
func transferProgress(w io.Writer, name string) (report func(done, total int64), finish func()) {
	if isTerminal(w) {
		bar := &transferBar{w: w, name: name, start: time.Now()}
		return bar.report, bar.finish
	}
	next := int64(0)
	return func(done, total int64) {
		if percent := 100 * done / max(total, 1); percent >= next {
			fmt.Fprintf(w, "%s: %d of %d MB (%d%%)\n", name, done/1e6, total/1e6, percent)
			next = percent - percent%lineStep + lineStep
		}
	}, func() {}
}

// transferBar draws one line over and over.
type transferBar struct {
	w           io.Writer
	name        string
	start, last time.Time
	first       int64 // bytes that were there before the first report
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
	line := fmt.Sprintf("%s %s%s %4d / %d MB", b.name, paint(b.w, cyan, strings.Repeat("━", full)), strings.Repeat("─", barWidth-full), done/1e6, total/1e6)
	rate := float64(done-b.first) / max(spent.Seconds(), 1e-9)
	if rate < 1 || spent < time.Second {
		return line
	}
	left := time.Duration(float64(total-done) / rate * float64(time.Second)).Round(time.Second)
	return line + fmt.Sprintf("  %.1f MB/s  %v left", rate/1e6, max(left, 0))
}

func (b *transferBar) finish() {
	if b.begun {
		fmt.Fprintln(b.w)
	}
}
