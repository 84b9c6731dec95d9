package main

import (
	"context"
	"io"
	"strings"
	"syscall"
	"testing"

	"longtail/internal/fail"
)

// fullDevice is where nothing can be written to.
type fullDevice struct{}

func (fullDevice) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestOutputThatIsLostIsAFailure(t *testing.T) {
	for _, args := range [][]string{
		{"version"}, {"table", t.TempDir()}, {"doctor"}, {"train", "--dry-run", "data.dataset=synthetic10", "model.name=resnet8"},
		{"data", "stats", "data.dataset=synthetic10"},
	} {
		var messages strings.Builder
		if code := Execute(context.Background(), args, fullDevice{}, &messages); code != fail.CodeFailed || !strings.Contains(messages.String(), syscall.ENOSPC.Error()) {
			t.Errorf("%v: exit code %d, %s", args, code, &messages)
		}
		if code := Execute(context.Background(), args, io.Discard, &messages); code != 0 {
			t.Errorf("%v: exit code %d, %s", args, code, &messages)
		}
	}
}
