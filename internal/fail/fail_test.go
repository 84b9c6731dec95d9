package fail

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
)

func TestCodeSurvivesWrapping(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("plain"), CodeFailed},
		{Usage("key %q", "a"), CodeUsage},
		{fmt.Errorf("reading: %w", Data("file %s: %w", "x", fs.ErrNotExist)), CodeData},
		{Device("none"), CodeDevice},
		{Diverged("nan"), CodeDiverged},
		{Interrupted("ctrl-c"), CodeInterrupted},
	} {
		if got := Code(c.err); got != c.want {
			t.Errorf("Code(%v) = %d, want %d", c.err, got, c.want)
		}
	}
	if !errors.Is(Data("file: %w", fs.ErrNotExist), fs.ErrNotExist) {
		t.Error("a kind hides the error that it wraps")
	}
}

func TestLongWordsAreShortened(t *testing.T) {
	if got := Quote("a\x1b"); got != `"a\x1b"` {
		t.Error(got)
	}
	got := Quote(strings.Repeat("x", 20<<20))
	if len(got) > 300 || !strings.HasSuffix(got, "(20971520 bytes)") {
		t.Errorf("%d bytes: %.300s", len(got), got)
	}
}
