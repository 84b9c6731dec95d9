package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"longtail/internal/config"
	"longtail/internal/config/grid"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/train"
	"longtail/train/sweep"

	"github.com/spf13/cobra"
)

// sweepOptions are the flags of the sweep command.
type sweepOptions struct {
	*options
	keys     keyFlags
	jobs     int
	launcher string
	wait     bool
	shard    string // K/N; empty: all runs
	keep     string // which checkpoints of runs that are done
}

// The values of --keep.
const (
	keepAll  = "all"
	keepLast = "last"
)

func newSweepCommand(o *options) *cobra.Command {
	s := &sweepOptions{options: o}
	cmd := &cobra.Command{
		Use:   "sweep CONFIG [key=value ...] [grid.KEY=[VALUE,...] ...] [slurm.KEY=VALUE ...]\n  longtail sweep FOLDER...",
		Short: "Train a grid of runs; the same command again does what is missing",
		Long: `Trains all runs of a grid. The file has "base", a config, and "grid", lists of values for some of its keys; below the name of a
section a value is a map of keys that change together. key=value changes the base, grid.KEY=[...] a list of the grid.

Each run has its own folder below the sweep's folder (out), named after what the grid varies, and is the same, bit for bit, as
"longtail train" makes it alone. What is done is left as it is, what was interrupted resumes, a run that fails does not stop
the others, and a run that another process is training is left to it.

--jobs N trains N runs at once: they share the threads of the CPU evenly, or are spread over all GPUs of the machine. Ctrl-C finishes the current steps and saves
all runs; a second one ends at once.

What the runs will cost is said before: the disk that their checkpoints take, and the time, at the speed of the runs in the folder that are
done, else at that of longtail bench on this machine.

--launcher slurm submits one job array over the runs that are neither done nor queued, N runs to an element; the section "slurm" of the file, or
slurm.KEY=VALUE, says what an element asks for. --wait stays; Ctrl-C then leaves the jobs running. --dry-run prints the batch script.

--keep last removes the checkpoints of runs that are done but last.safetensors, which the paper's numbers are of and other runs can start
from: two thirds of the space. longtail eval then has the last result only, and longtail verify says so.

--shard K/N does the K-th of N parts of the list, which have about the same cost: for N machines, or another scheduler. The same K/N is always
the same part; together they are all runs. docs/clusters.md has examples.

FOLDER... trains the runs in those folders, as each config.yaml says; an element of the job array does that.

Exit codes: 0 done, 1 a run failed, 2 a bad config, key or value, 3 no such device, 130 interrupted.`,
		Example: `  longtail sweep configs/sweep_demo.yaml --jobs 2
  longtail sweep configs/paper/table2.yaml --dry-run
  longtail sweep configs/paper/figure8.yaml 'grid.seed=[0,1,2]' out=runs/seeds
  longtail sweep configs/paper/table2.yaml --launcher slurm slurm.partition=gpu slurm.gres=gpu:1 slurm.time=12:00:00`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
	f := cmd.Flags()
	s.keys.add(f)
	f.Lookup("out").Usage = `folder of the runs (the base's key out; default: "runs")`
	f.IntVarP(&s.jobs, "jobs", "j", 1, "runs at once")
	f.StringVar(&s.launcher, "launcher", sweep.Local, "what trains the runs: "+strings.Join(sweep.Launchers(), ", "))
	f.StringVar(&s.keep, "keep", keepAll, "checkpoints of runs that are done: all, or last, which removes the others")
	f.StringVar(&s.shard, "shard", "", "K/N: only the K-th of N parts of the runs, of about the same cost, for N machines")
	f.BoolVar(&s.wait, "wait", false, "with --launcher slurm: stay until no run is left with Slurm")
	return cmd
}

func (s *sweepOptions) run(cmd *cobra.Command, args []string) error {
	if s.jobs < 1 {
		return fail.Usage("--jobs=%d: at least 1 run at once is wanted", s.jobs)
	}
	if !slices.Contains(sweep.Launchers(), s.launcher) {
		return fail.Usage("--launcher %s: there is no such launcher\nchoose one of %s", s.launcher, strings.Join(sweep.Launchers(), ", "))
	}
	if s.keep != keepAll && s.keep != keepLast {
		return fail.Usage("--keep %s: there is no such choice\nchoose %s or %s", s.keep, keepAll, keepLast)
	}
	g, err := s.load(args)
	if err != nil {
		return err
	}
	plans, err := s.plans(cmd, g)
	if err != nil {
		return err
	}
	if s.dryRun && (!sweep.IsRemote(s.launcher) || s.json) {
		return s.list(cmd, g, plans)
	}
	messages := s.messages(cmd)
	listRuns(messages, g, plans)
	ctx := cmd.Context()
	if !s.quiet {
		if err := s.printCost(ctx, messages, g.Out, plans); err != nil {
			return err
		}
	}
	defer secondSignalKills(ctx)()
	report := newSweepReport(plans, cmd.OutOrStdout(), messages, s.json)
	remote, err := s.remote(cmd, g)
	if err != nil {
		return err
	}
	devices := s.devices(plans, messages)
	results, err := sweep.Launch(ctx, s.launcher, plans, sweep.Options{
		Jobs: s.jobs, DataDir: s.dataDir, Open: devices.For(0), OpenFor: devices.For, Observe: report.observe, Attach: attachTensorBoard,
		KeepLast: s.keep == keepLast, Remote: remote,
	})
	report.end()
	if sweep.IsRemote(s.launcher) && !s.wait {
		return err
	}
	if failed := report.results(results); failed != nil && err == nil {
		err = failed
	}
	if fail.Code(err) == fail.CodeInterrupted {
		return fmt.Errorf("%w\nto resume: %s", err, fail.CommandLine(os.Args))
	}
	if err == nil && g.Path != "" {
		fmt.Fprintf(messages, "next: %s\n", fail.CommandLine([]string{"longtail", "table", g.Path, "--runs", g.Out}))
	}
	return err
}

// load reads the file of the sweep, or the folders of runs.
func (s *sweepOptions) load(args []string) (*grid.Grid, error) {
	if !slices.ContainsFunc(args, func(a string) bool { return !isFolder(a) }) && s.keys == (keyFlags{}) {
		if sweep.IsRemote(s.launcher) {
			return nil, fail.Usage("--launcher %s: it takes the file of a sweep, not folders of runs\nleave it out to train the runs here", s.launcher)
		}
		return sweep.FromFolders(args)
	}
	path, overrides := splitArgs(args)
	if path == "" {
		return nil, fail.Usage("longtail sweep: the config comes first, then key=value\nsee longtail sweep --help")
	}
	return grid.Load(path, append(overrides, s.keys.overrides()...))
}

// plans are the runs of the grid, or of the part that --shard names.
func (s *sweepOptions) plans(cmd *cobra.Command, g *grid.Grid) ([]sweep.Plan, error) {
	var shard sweep.Shard
	if s.shard != "" {
		var err error
		if shard, err = sweep.ParseShard(s.shard); err != nil {
			return nil, err
		}
	}
	plans, err := sweep.NewPlans(g, s.dataDir)
	if err != nil || s.shard == "" {
		return plans, err
	}
	networks, err := sweep.Networks(plans, s.dataDir)
	if err != nil {
		return nil, err
	}
	part := shard.Choose(plans, networks)
	fmt.Fprintf(s.messages(cmd), "part %d of %d: %d of %d runs\n", shard.Index, shard.Count, len(part), len(plans))
	return part, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func attachTensorBoard(c *config.Config) (train.Observer, func() error, error) {
	board, err := newTensorBoard(c)
	if err != nil {
		return nil, nil, err
	}
	return board.observe, board.close, nil
}

// devices are those that the runs share: on the CPU every run at once gets its share of the threads, and GPUs are shared out.
func (s *sweepOptions) devices(plans []sweep.Plan, messages io.Writer) *sweep.Devices {
	todo := 0
	for _, p := range plans {
		if p.State != sweep.Done {
			todo++
		}
	}
	jobs := max(1, min(s.jobs, todo))
	share := options{threads: max(1, runtime.GOMAXPROCS(0)/jobs)}
	o := share.deviceOptions(messages)
	return &sweep.Devices{
		Jobs: s.jobs, Runs: todo, Count: device.Count, Remark: o.Remark,
		Open: func(name, precision string, index int) (*device.Device, error) {
			numbered := o
			numbered.Index = index
			return device.Open(name, precision, numbered)
		},
	}
}

// plannedRun is a run as --dry-run --json lists it.
type plannedRun struct {
	Name   string      `json:"name"`
	Folder string      `json:"folder"`
	State  sweep.State `json:"state"`
	Counts []int       `json:"counts"` // [C] training images a class
	Images int         `json:"images"` // N, training images
	Steps  int         `json:"steps"`
	Before int         `json:"steps_done"`
	Work   int64       `json:"work"` // images shown to the network in all
	Left   int64       `json:"left"` // of them still to come
	Config string      `json:"config"`
}

// list is --dry-run.
func (s *sweepOptions) list(cmd *cobra.Command, g *grid.Grid, plans []sweep.Plan) error {
	out := cmd.OutOrStdout()
	if s.json {
		listed := struct {
			Out    string       `json:"out"`
			Varied []string     `json:"varied"`
			Runs   []plannedRun `json:"runs"`

			Cost sweep.Estimate `json:"cost"`
		}{Out: g.Out, Varied: g.Varied}
		var err error
		if listed.Cost, _, err = s.cost(cmd.Context(), g.Out, plans); err != nil {
			return err
		}
		for _, p := range plans {
			listed.Runs = append(listed.Runs, plannedRun{
				p.Name, p.Config.Out, p.State, p.Counts, p.Images, p.Steps, p.Before, p.Work(), p.Left(), string(p.Config.Full()),
			})
		}
		return json.NewEncoder(out).Encode(listed)
	}
	listRuns(out, g, plans)
	if err := s.printCost(cmd.Context(), out, g.Out, plans); err != nil {
		return err
	}
	fmt.Fprintln(s.messages(cmd), "nothing was trained; without --dry-run the runs go into", g.Out)
	return nil
}

// listRuns prints a line a run and the sums.
func listRuns(w io.Writer, g *grid.Grid, plans []sweep.Plan) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "steps\timages\ta class\tstate\t  run")
	states := map[sweep.State]int{}
	var steps int
	var work, left int64
	for _, p := range plans {
		states[p.State]++
		steps, work, left = steps+p.Steps, work+p.Work(), left+p.Left()
		state := string(p.State)
		if p.State == sweep.Begun {
			state = fmt.Sprintf("%.0f %% done", 100*float64(p.Before)/float64(p.Steps))
		}
		fmt.Fprintf(t, "%d\t%d\t%d to %d\t%s\t  %s\n", p.Steps, p.Images, p.Counts[0], p.Counts[len(p.Counts)-1], state, p.Name)
	}
	t.Flush() // of a writer whose errors the command's results show
	fmt.Fprintf(w, "%d runs in %s: %d done, %d begun, %d new; %d steps, %s images shown, %s of them left\n",
		len(plans), g.Out, states[sweep.Done], states[sweep.Begun], states[sweep.New], steps, million(work), million(left))
}

// million is a number of images for people.
func million(n int64) string {
	if n < 1e6 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%.1f million", float64(n)/1e6)
}
