// Package fail gives errors a kind, so that the program can end with the exit code that tells a script what went wrong.
//
//	return fail.Usage("loss.beta=%v: must be at least 0 and below 1", beta) // exit code 2
//
// Each kind (Usage, Device, Data, Diverged, Interrupted) has a function that makes an error of it; Code finds the kind of an error however deep it
// is wrapped. The first line of a text names file, key or value, the last says what to do.
package fail

import (
	"errors"
	"fmt"
	"strconv"
)

// Exit codes of the program. 0 is done, 1 any failure without a kind of its own.
const (
	CodeFailed      = 1
	CodeUsage       = 2
	CodeDevice      = 3
	CodeData        = 4
	CodeDiverged    = 5
	CodeInterrupted = 130
)

type kinded struct {
	code int
	err  error
}

func (k *kinded) Error() string { return k.err.Error() }
func (k *kinded) Unwrap() error { return k.err }

func newKind(code int, format string, args []any) error {
	return &kinded{code, fmt.Errorf(format, args...)}
}

// Usage is an error in a key, a value, a config file or the command line (exit code 2).
func Usage(format string, args ...any) error { return newKind(CodeUsage, format, args) }

// Device is the error that the asked device is not there or cannot be used (exit code 3).
func Device(format string, args ...any) error { return newKind(CodeDevice, format, args) }

// Data is the error that data are missing or damaged (exit code 4).
func Data(format string, args ...any) error { return newKind(CodeData, format, args) }

// Diverged is the error that a loss or a parameter stopped being finite (exit code 5).
func Diverged(format string, args ...any) error { return newKind(CodeDiverged, format, args) }

// Interrupted is the error that the user stopped the program and that its state was saved (exit code 130).
func Interrupted(format string, args ...any) error { return newKind(CodeInterrupted, format, args) }

// Code is the exit code for err: 0 for nil, that of the outermost kind, or 1.
func Code(err error) int {
	if err == nil {
		return 0
	}
	var k *kinded
	if errors.As(err, &k) {
		return k.code
	}
	return CodeFailed
}

// longestQuote is how many bytes of a word from a file are quoted.
const longestQuote = 200

// Quote is a word from a file in quotes for a message, a long one shortened and with its length in bytes.
func Quote(word string) string {
	if len(word) <= longestQuote {
		return strconv.Quote(word)
	}
	return strconv.Quote(word[:longestQuote]) + fmt.Sprintf(" ... (%d bytes)", len(word))
}
