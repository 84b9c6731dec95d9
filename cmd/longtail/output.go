package main

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"longtail/eval/plots"
	"longtail/eval/tables"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// format is the form of a table that --format and --json ask for.
func (o *options) format(name string) (tables.Format, error) {
	f, err := tables.ParseFormat(name)
	if err == nil && o.json {
		f = tables.JSON
	}
	return f, err
}

// output is stdout. It remembers its first error, so that a full disk behind it is not taken for success.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(p []byte) (int, error) {
	n, err := o.Writer.Write(p)
	if o.err == nil {
		o.err = err
	}
	return n, err
}

// file is the file behind a stream, or nil.
func file(w io.Writer) *os.File {
	if o, ok := w.(*output); ok {
		w = o.Writer
	}
	f, _ := w.(*os.File)
	return f
}

// longestError is how many bytes of an error are printed: it may quote what a file holds.
const longestError = 8 << 10

// printable makes a text from elsewhere fit for a terminal: control characters are printed as escapes, and of a very long text the
// middle is left out.
func printable(text string) string {
	if len(text) > longestError {
		half := longestError / 2
		text = strings.ToValidUTF8(text[:half], "") + fmt.Sprintf(" ... (%d bytes) ... ", len(text)-longestError) + strings.ToValidUTF8(text[len(text)-half:], "")
	}
	var b strings.Builder
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			b.WriteString(strings.Trim(strconv.QuoteRune(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// plainWidth is the width in characters of what goes into a file or a pipe.
const plainWidth = 120

// width is how many characters fit on a line of the terminal; COLUMNS counts first.
func width(out io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f := file(out); f != nil {
		if n, _, err := term.GetSize(int(f.Fd())); err == nil && n > 0 {
			return n
		}
	}
	return plainWidth
}

// messages is where remarks go: nowhere where the user wants quiet.
func (o *options) messages(cmd *cobra.Command) io.Writer {
	if o.quiet {
		return io.Discard
	}
	return cmd.ErrOrStderr()
}

// writeFigures writes pictures, or with --dry-run prints that it would.
func (o *options) writeFigures(cmd *cobra.Command, figures []plots.Figure, dir string) error {
	if o.dryRun {
		fmt.Fprintf(o.messages(cmd), "would write %d pictures (PNG and SVG) into %s\n", len(figures), dir)
		return nil
	}
	for _, f := range figures {
		if _, err := f.Write(dir); err != nil {
			return err
		}
	}
	fmt.Fprintf(o.messages(cmd), "%d pictures (PNG and SVG) in %s\n", len(figures), dir)
	return nil
}
