package main

import (
	"encoding/json"
	"fmt"
	"time"

	"longtail/eval/status"
	"longtail/internal/config/grid"
	"longtail/internal/fail"
	"longtail/train/sweep/slurm"

	"github.com/spf13/cobra"
)

// statusOptions are the flags of the status command.
type statusOptions struct {
	*options
	watch bool
	every time.Duration
}

// queueInterval is the time between two questions to a scheduler, which all users of a cluster share.
const queueInterval = 15 * time.Second

func newStatusCommand(o *options) *cobra.Command {
	s := &statusOptions{options: o}
	cmd := &cobra.Command{
		Use:   "status [FOLDER]",
		Short: "How the runs of a folder are: state, progress, speed, where",
		Long: `Prints a line for every run at or below FOLDER (default: "runs"), wherever it is trained: state, epoch, training loss, test error,
images a second, time left, and the host, process and Slurm job that are at work on it; then the totals. It reads the folders of runs and
asks squeue, where there is one; it writes nothing there. Finished runs are remembered in the user's cache folder.

States:
  new          it has a config, and no step was done
  queued       Slurm has it
  running      a process is at work on it
  done         finished
  failed       it ended with an error, which is shown
  interrupted  it was stopped, and its state is saved
  stale        its process was killed, or its machine shows no heartbeat; the command that started it resumes it
  damaged      a file cannot be read; longtail verify says more

--watch shows it again and again, until Ctrl-C. With --json every reading is one line.

Exit codes: 0 whatever the states are, 2 no such folder.`,
		Example: "  longtail status\n  longtail status runs/table2 --watch\n  longtail status --json | jq '.totals'",
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	f := cmd.Flags()
	f.BoolVarP(&s.watch, "watch", "w", false, "show it again and again, until Ctrl-C")
	f.DurationVar(&s.every, "every", 2*time.Second, "time between two readings of --watch")
	return cmd
}

// shortestInterval bounds --every.
const shortestInterval = 100 * time.Millisecond

func (s *statusOptions) run(cmd *cobra.Command, args []string) error {
	folder := grid.DefaultOut
	if len(args) > 0 {
		folder = args[0]
	}
	if s.every < shortestInterval {
		return fail.Usage("--every=%v: at least %v is wanted", s.every, shortestInterval)
	}
	r, err := status.NewReader(folder, status.Options{Queue: status.Every(queueInterval, slurm.Jobs)})
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	show := s.shower(cmd)
	for {
		snapshot, err := r.Read(ctx)
		if ctx.Err() != nil {
			return s.interrupted()
		}
		if err == nil {
			err = show(snapshot)
		}
		if err != nil || !s.watch {
			return err
		}
		select {
		case <-ctx.Done():
			return s.interrupted()
		case <-time.After(s.every):
		}
	}
}

// interrupted is how a Ctrl-C ends the command, which is how --watch is meant to end.
func (s *statusOptions) interrupted() error {
	if s.watch {
		return nil
	}
	return fail.Interrupted("interrupted: nothing was changed")
}

// shower is what shows a snapshot: as JSON, in place on a terminal that is watched, else as lines.
func (s *statusOptions) shower(cmd *cobra.Command) func(status.Snapshot) error {
	out := cmd.OutOrStdout()
	switch {
	case s.json:
		return func(snap status.Snapshot) error { return json.NewEncoder(out).Encode(snap) }
	case s.watch && isTerminal(out):
		block := &liveBlock{w: out}
		return func(snap status.Snapshot) error {
			block.show(watchedLines(snap, out))
			return nil
		}
	}
	return func(snap status.Snapshot) error {
		for _, remark := range snap.Remarks {
			fmt.Fprintln(s.messages(cmd), word(remark))
		}
		limit := statusWidth(out)
		for _, line := range append(statusLines(snap.Rows, limit), totalsLines(snap, limit)...) {
			if _, err := fmt.Fprintln(out, line); err != nil {
				return err
			}
		}
		return nil
	}
}
