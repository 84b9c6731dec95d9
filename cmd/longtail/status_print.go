package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"longtail/eval/status"

	"golang.org/x/term"
)

// statusColumn is a column of the table.
type statusColumn struct {
	title string
	text  func(status.Row) string
}

// statusColumns are the columns of the table but the last two, the run and where it is.
var statusColumns = []statusColumn{
	{"state", func(r status.Row) string { return string(r.State) }},
	{"epoch", func(r status.Row) string {
		if r.Epochs == 0 {
			return "-"
		}
		return fmt.Sprintf("%s/%s", number(r.Epoch, 1), number(r.Epochs, 1))
	}},
	{"loss", func(r status.Row) string { return optional(r.Loss, "%.3f", 1) }},
	{"error %", func(r status.Row) string { return optional(r.Error, "%.2f", 100) }},
	{"images/s", func(r status.Row) string {
		if r.Rate == 0 {
			return "-"
		}
		return fmt.Sprintf("%.0f", r.Rate)
	}},
	{"left", func(r status.Row) string { return shortDuration(r.Left) }},
}

// leastName is how many characters of a name tell runs apart, mostly; columns that are left out on narrow terminals make room for them.
const leastName = 24

// statusLines is the table, no line of which has more than so many characters.
func statusLines(rows []status.Row, limit int) []string {
	names, places := []string{"run"}, []string{"where"}
	for _, r := range rows {
		names, places = append(names, word(r.Name)), append(places, whereabouts(r))
	}
	shown := slices.Clone(statusColumns)
	numbers := numberColumns(shown, rows)
	for _, title := range []string{"images/s", "loss", "left", "epoch", "error %"} {
		if limit-widest(numbers)-2 >= min(widest(names), leastName) {
			break
		}
		shown = slices.DeleteFunc(shown, func(c statusColumn) bool { return c.title == title })
		numbers = numberColumns(shown, rows)
	}
	room := max(limit-widest(numbers)-2, 1)
	wide := widest(names)
	if wide+2+widest(places) > room {
		wide = min(wide, max(room*2/3, min(room, leastName)))
	}
	var lines []string
	for i := range numbers {
		line := fmt.Sprintf("%s  %-*s  %s", numbers[i], wide, shortened(names[i], wide), places[i])
		lines = append(lines, strings.TrimRight(shortenedEnd(line, limit), " "))
	}
	return lines
}

// numberColumns are the columns as lines, the first one the titles.
func numberColumns(shown []statusColumn, rows []status.Row) []string {
	table := [][]string{{}}
	for _, c := range shown {
		table[0] = append(table[0], c.title)
	}
	for _, r := range rows {
		var line []string
		for _, c := range shown {
			line = append(line, c.text(r))
		}
		table = append(table, line)
	}
	return columns(table)
}

// columns are lines of cells below each other: the first cell of a line to the left, the others to the right.
func columns(table [][]string) []string {
	width := make([]int, len(table[0]))
	for _, line := range table {
		for c, cell := range line {
			width[c] = max(width[c], utf8.RuneCountInString(cell))
		}
	}
	var lines []string
	for _, line := range table {
		text := fmt.Sprintf("%-*s", width[0], line[0])
		for c, cell := range line[1:] {
			text += fmt.Sprintf("  %*s", width[c+1], cell)
		}
		lines = append(lines, text)
	}
	return lines
}

func widest(texts []string) (n int) {
	for _, t := range texts {
		n = max(n, utf8.RuneCountInString(t))
	}
	return n
}

// whereabouts are where a run is at work, or what is wrong with it.
func whereabouts(r status.Row) string {
	if r.Problem != "" {
		text, _, _ := strings.Cut(r.Problem, "\n")
		return word(text)
	}
	var parts []string
	if r.Host != "" {
		parts = append(parts, r.Host)
	}
	if r.PID != 0 {
		parts = append(parts, fmt.Sprintf("process %d", r.PID))
	}
	if r.Job != "" {
		parts = append(parts, "job "+r.Job)
	}
	if r.Test != "" {
		parts = append(parts, "evaluates "+r.Test)
	}
	return word(strings.Join(parts, ", "))
}

// word makes a text from elsewhere a part of a line: all that a terminal does not print as a character is an escape.
func word(text string) string {
	var b strings.Builder
	for _, r := range printable(text) {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}

// shortened leaves out the middle of a name that is too long: its end tells runs apart.
func shortened(name string, limit int) string {
	runes := []rune(name)
	if len(runes) <= limit {
		return name
	}
	head := (limit - 1) / 2
	return string(runes[:head]) + "…" + string(runes[len(runes)-(limit-1-head):])
}

func shortenedEnd(line string, limit int) string {
	runes := []rune(line)
	if len(runes) <= limit {
		return line
	}
	return string(runes[:limit-1]) + "…"
}

// number is a number in few digits.
func number(v float64, digits int) string {
	if v == math.Trunc(v) {
		digits = 0
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

func optional(v *float64, format string, factor float64) string {
	if v == nil {
		return "-"
	}
	return fmt.Sprintf(format, factor**v)
}

// shortDuration is such as "12s", "5m10s", "3h20m" or "4d3h"; "-" for 0.
func shortDuration(seconds float64) string {
	if !(seconds > 0) || seconds > 100*365*24*3600 {
		return "-"
	}
	d := time.Duration(math.Ceil(seconds)) * time.Second
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%dd%dh", d/(24*time.Hour), d%(24*time.Hour)/time.Hour)
	case d >= time.Hour:
		return fmt.Sprintf("%dh%dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return d.String()
}

// totalsLines sum a snapshot up, in a line where it has room.
func totalsLines(s status.Snapshot, limit int) (lines []string) {
	var counts []string
	for _, state := range status.States() {
		if n := s.Totals.States[state]; n > 0 {
			counts = append(counts, fmt.Sprintf("%d %s", n, state))
		}
	}
	parts := []string{fmt.Sprintf("%d runs in %s", s.Totals.Runs, word(s.Folder))}
	if len(counts) > 0 {
		parts = append(parts, strings.Join(counts, ", "))
	}
	if s.Totals.Steps > 0 {
		parts = append(parts, fmt.Sprintf("%.1f %% of the steps", 100*float64(s.Totals.Step)/float64(s.Totals.Steps)))
	}
	if s.Totals.Rate > 0 {
		parts = append(parts, fmt.Sprintf("%.0f images/s, %s left", s.Totals.Rate, shortDuration(s.Totals.Left)))
	}
	line := parts[0]
	for _, part := range parts[1:] {
		if utf8.RuneCountInString(line+"; "+part) > limit {
			lines, line = append(lines, shortenedEnd(line, limit)), part
			continue
		}
		line += "; " + part
	}
	return append(lines, shortenedEnd(line, limit))
}

// noLimit is the width of lines that no terminal shows.
const noLimit = 1 << 20

// statusWidth is the width of a terminal, and no limit where none reads the lines.
func statusWidth(out io.Writer) int {
	if !isTerminal(out) && os.Getenv("COLUMNS") == "" {
		return noLimit
	}
	return width(out)
}

// watchedLines fit on the screen: runs at work and those with a problem come first, and the others as far as there is room.
func watchedLines(s status.Snapshot, out io.Writer) []string {
	_, height, err := term.GetSize(int(file(out).Fd()))
	if err != nil || height < 1 {
		height = 24
	}
	rank := map[status.State]int{status.Running: 0, status.Failed: 1, status.Damaged: 1, status.Stale: 1, status.Interrupted: 2, status.Queued: 3, status.New: 4, status.Done: 5}
	rows := slices.Clone(s.Rows)
	slices.SortStableFunc(rows, func(a, b status.Row) int { return rank[a.State] - rank[b.State] })
	limit := width(out) - 1 // a line that wraps would count as two
	end := totalsLines(s, limit)
	for _, remark := range s.Remarks {
		end = append(end, shortenedEnd(word(remark), limit))
	}
	room := max(height-3-len(end), 1) // the title, the rest, and the cursor's line
	more := len(rows) - room
	if more > 0 {
		rows = rows[:room]
	}
	lines := statusLines(rows, limit)
	if more > 0 {
		lines = append(lines, fmt.Sprintf("... and %d more", more))
	}
	return append(lines, end...)
}
