package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"longtail/eval/status"
)

// hostile is a name that a terminal must not obey.
const hostile = "a\x1b[31m\nb\tc\u202ed\u009b<script>"

func TestStatusFitsTheTerminalAndEscapesNames(t *testing.T) {
	loss := 1.5
	rows := []status.Row{
		{Name: hostile, State: status.Running, Epoch: 1.25, Epochs: 200, Loss: &loss, Error: &loss, Rate: 123456, Left: 99999, Host: hostile, PID: 1, Job: hostile},
		{Name: strings.Repeat("x", 250) + "-s7", State: status.Failed, Problem: hostile + "\nsecond"},
		{Name: "äöü", State: status.Done},
	}
	for _, width := range []int{1, 20, 60, 80, 120, noLimit} {
		lines := statusLines(rows, width)
		if len(lines) != 4 {
			t.Fatalf("%d lines", len(lines))
		}
		for _, line := range lines {
			if n := utf8.RuneCountInString(line); n > width {
				t.Errorf("width %d: %d characters: %q", width, n, line)
			}
			if strings.ContainsAny(line, "\x1b\n\t\u202e\u009b") || strings.Contains(line, "second") {
				t.Errorf("width %d: %q", width, line)
			}
		}
		if width >= 120 && !strings.Contains(lines[2], "-s7") {
			t.Errorf("the end of a name is left out: %q", lines[2])
		}
	}
	if line := statusLines(rows, noLimit)[1]; !strings.Contains(line, `a\x1b[31m\nb\tc\u202ed`) || !strings.Contains(line, "1.2/200") || !strings.Contains(line, "150.00") || !strings.Contains(line, "27h46m") {
		t.Errorf("%q", line)
	}
}

func TestShortDurations(t *testing.T) {
	for seconds, want := range map[float64]string{0: "-", -1: "-", 0.2: "1s", 65: "1m5s", 3600: "1h0m", 200000: "2d7h", 1e300: "-"} {
		if got := shortDuration(seconds); got != want {
			t.Errorf("%v s: %s, want %s", seconds, got, want)
		}
	}
	if got := shortened("abcdefghij", 5); got != "ab…ij" {
		t.Error(got)
	}
	if got := number(3, 1) + " " + number(3.25, 1); got != "3 3.2" {
		t.Error(got)
	}
}
