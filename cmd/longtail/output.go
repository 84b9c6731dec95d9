package main

import (
	"fmt"
	"io"
	"os"
	"strconv"

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

// plainWidth is the width in characters of what goes into a file or a pipe.
const plainWidth = 120

// width is how many characters fit on a line of the terminal; COLUMNS counts first.
func width(out io.Writer) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := out.(*os.File); ok {
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
