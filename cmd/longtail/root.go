package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"

	"longtail/internal/build"
	"longtail/internal/disk"
	"longtail/internal/fail"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// options are the flags that all commands share.
type options struct {
	dataDir string // empty: the environment decides, see data.Folder
	json    bool
	quiet   bool
	dryRun  bool
	threads int // 0: all cores
}

// commands are the commands, in the order of the help page.
func commands(o *options) []*cobra.Command {
	return []*cobra.Command{
		newTableCommand(o),
		newCompareCommand(o),
		newReportCommand(o),
		newExportCommand(o),
		newTrainCommand(o),
		newSweepCommand(o),
		newEvalCommand(o),
		newVerifyRunsCommand(o),
		newDataCommand(o),
		newBenchCommand(o),
		newDoctorCommand(o),
		newVersionCommand(o),
	}
}

const rootHelp = `longtail trains ResNets on long-tailed CIFAR with class-balanced losses, on a CPU or a GPU.

Data go to stdout, messages to stderr. NO_COLOR in the environment takes the colours away.

Exit codes:
  0    done
  1    failed
  2    usage: a bad key, value, config or command line
  3    no such device
  4    data missing or damaged
  5    diverged: a loss stopped being finite
  130  interrupted; the state is saved`

// newRoot is the whole command line.
func newRoot(o *options) *cobra.Command {
	root := &cobra.Command{
		Use:           "longtail",
		Short:         "Train ResNets on long-tailed CIFAR with class-balanced losses",
		Long:          rootHelp,
		Version:       build.String(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	group(root)
	f := root.PersistentFlags()
	f.StringVar(&o.dataDir, "data-dir", "", "folder with the CIFAR folders or archives (default: $LONGTAIL_DATA, else the user's cache folder)")
	f.BoolVar(&o.json, "json", false, "print JSON on stdout")
	f.BoolVarP(&o.quiet, "quiet", "q", false, "no progress and no remarks, only results and errors")
	f.BoolVar(&o.dryRun, "dry-run", false, "say what would be done, and do nothing")
	f.IntVar(&o.threads, "threads", 0, "CPU threads to use; the results do not depend on it (default: all cores)")
	root.PersistentPreRunE = func(*cobra.Command, []string) error { return o.apply() }
	root.AddCommand(commands(o)...)
	usageErrors(root)
	return root
}

// maxThreads bounds --threads; no machine has as many cores, and every thread has buffers of its own.
const maxThreads = 4096

// apply puts the flags into force that concern the whole process.
func (o *options) apply() error {
	if o.threads < 0 || o.threads > maxThreads {
		return fail.Usage("--threads=%d: the number of threads is from 1 to %d, or 0 for all cores", o.threads, maxThreads)
	}
	if o.threads > 0 {
		runtime.GOMAXPROCS(o.threads)
	}
	return nil
}

// group makes a parent command: bare, it prints help; unknown subcommands get suggestions.
func group(cmd *cobra.Command) {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		hint := fmt.Sprintf("see %s --help", cmd.CommandPath())
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "? " + hint
		}
		return fail.Usage("%sunknown command %q\n%s", within(cmd), args[0], hint)
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
}

// within names a command at the start of an error, which already begins with the program's name.
func within(cmd *cobra.Command) string {
	_, names, below := strings.Cut(cmd.CommandPath(), " ")
	if !below {
		return ""
	}
	return names + ": "
}

// usageErrors makes errors in flags and arguments of cmd and all below it usage errors.
func usageErrors(cmd *cobra.Command) {
	asUsage := func(cmd *cobra.Command, err error) error {
		if err == nil || fail.Code(err) != fail.CodeFailed || errors.Is(err, context.Canceled) {
			return err
		}
		return fail.Usage("%s%w\nsee %s --help", within(cmd), err, cmd.CommandPath())
	}
	cmd.SetFlagErrorFunc(asUsage)
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error { return asUsage(cmd, check(cmd, args)) }
	}
	for _, sub := range cmd.Commands() {
		usageErrors(sub)
	}
}

// Execute runs the command line and gives the exit code. Errors go to stderr, their last line says what to do next.
func Execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	out := &output{Writer: stdout}
	root := newRoot(new(options))
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil && out.err != nil {
		err = fmt.Errorf("what belongs on stdout is not all there: %w\nsend it to a place with room", out.err)
	}
	if err != nil {
		fmt.Fprintf(stderr, "%s %s\n", paint(stderr, red, "longtail:"), printable(err.Error()))
	}
	if errors.Is(err, disk.ErrInterrupted) {
		return fail.CodeInterrupted
	}
	return fail.Code(err)
}

// Colours of the terminal.
const (
	red   = "31"
	green = "32"
	cyan  = "36"
)

// paint puts a colour around text where w is a terminal that wants colours (https://no-color.org).
func paint(w io.Writer, colour, text string) string {
	if !isTerminal(w) || os.Getenv("NO_COLOR") != "" {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// isTerminal reports whether w is a terminal that understands escape sequences.
func isTerminal(w io.Writer) bool {
	f := file(w)
	return f != nil && term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb"
}
