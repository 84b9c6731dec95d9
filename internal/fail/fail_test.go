package fail

import (
	"errors"
	"fmt"
	"io/fs"
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
