package main

import (
	"bytes"
	"errors"
	"strings"
	"syscall"
	"testing"

	"longtail/internal/fail"
)

// full is a file on a full disk.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func TestStdoutThatIsFullIsAFailure(t *testing.T) {
	for _, args := range [][]string{
		{"version"},
		{"data", "stats", "data.dataset=synthetic10"},
		{"train", "--dry-run", "data.dataset=synthetic10", "model.name=resnet8"},
		{"doctor"},
	} {
		var messages bytes.Buffer
		if code := Execute(t.Context(), args, full{}, &messages); code != fail.CodeFailed || !strings.Contains(messages.String(), "no space left") {
			t.Errorf("%v: exit code %d\n%s", args, code, &messages)
		}
	}
}

func TestErrorsAreFitForATerminal(t *testing.T) {
	var messages bytes.Buffer
	if code := Execute(t.Context(), []string{"train", "loss.\x1b[31mname=\x07", "--dry-run"}, new(bytes.Buffer), &messages); code != fail.CodeUsage {
		t.Errorf("exit code %d", code)
	}
	if text := messages.String(); strings.ContainsAny(text, "\x1b\x07") || !strings.Contains(text, `\x1b[31m`) {
		t.Errorf("%q", text)
	}
	messages.Reset()
	Execute(t.Context(), []string{"train", "loss.name=" + strings.Repeat("é", 1<<20)}, new(bytes.Buffer), &messages)
	if n := messages.Len(); n > 2*longestError {
		t.Errorf("an error of %d bytes", n)
	}
}

func TestOutputRemembersItsFirstError(t *testing.T) {
	o := &output{Writer: full{}}
	o.Write([]byte("x"))
	o.Writer = new(bytes.Buffer)
	o.Write([]byte("x"))
	if !errors.Is(o.err, syscall.ENOSPC) {
		t.Error(o.err)
	}
}
