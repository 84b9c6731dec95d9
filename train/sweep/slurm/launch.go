// Package slurm hands the runs of a sweep to Slurm.
//
// [Launch] writes each run's config.yaml and a batch script, OUT/slurm/TIME.sbatch, and submits it as one job array: an element of the
// array trains the runs of a few folders, as "longtail sweep FOLDER..." does by hand. Slurm schedules, restarts elements whose node died, and
// warns them before their time is up; run folders do the rest, for a run resumes from its checkpoint wherever it was trained before.
//
// Which runs Slurm has already is asked of squeue: the jobs of a sweep share a name, and each has its script as comment. Beside the script
// lies TIME.json, which says what each element trains.
package slurm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"

	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/internal/run/lease"
	"longtail/train/sweep"
)

// Name is the launcher's.
const Name = "slurm"

func init() { sweep.RegisterRemote(Name, Launch) }

// Folder is where scripts, records and logs are, in the folder of the runs.
const Folder = "slurm"

// Launch submits the runs that are neither done nor with Slurm, and gives a result for each plan; with Remote.Wait it stays until Slurm has
// none of them any more. What sbatch refuses is an error in its own words, and then nothing is submitted.
func Launch(ctx context.Context, plans []sweep.Plan, o sweep.Options) ([]sweep.Result, error) {
	l := newLaunch(plans, o)
	if err := l.submit(ctx); err != nil {
		return l.results, err
	}
	if o.Remote.DryRun || !o.Remote.Wait {
		return l.results, l.damaged()
	}
	return l.results, l.wait(ctx)
}

// launch is one call of Launch.
type launch struct {
	sweep.Options
	client  client
	pace    pace
	dir     string // OUT/slurm
	plans   []sweep.Plan
	results []sweep.Result
	queued  map[string]element // of runs that Slurm has, by the run's name
}

func newLaunch(plans []sweep.Plan, o sweep.Options) *launch {
	l := &launch{
		Options: o, plans: plans, results: make([]sweep.Result, len(plans)), pace: pace{lookInterval, queueInterval},
		client: client{name: jobName(o.Remote.Grid.Out)}, dir: filepath.Join(o.Remote.Grid.Out, Folder),
	}
	for i, p := range plans {
		if l.results[i].State = p.State; p.State == sweep.Done {
			l.results[i] = sweep.DoneBefore(p.Config.Out)
		}
	}
	return l
}

// damaged is the error of runs that were done before and cannot be read.
func (l *launch) damaged() error {
	if l.count(sweep.Failed) == 0 {
		return nil
	}
	return sweep.Verdict(context.Background(), l.plans, l.results)
}

// submit gives Slurm what is missing. Of two processes at once the second one is refused, so that no run is submitted twice.
func (l *launch) submit(ctx context.Context) (err error) {
	dry := l.Remote.DryRun
	if err := l.client.find(dry); err != nil {
		return err
	}
	if !dry {
		unlock, err := lock(ctx, l.dir)
		if err != nil {
			return err
		}
		defer unlock()
	}
	if err := l.askQueue(ctx); err != nil {
		return err
	}
	free := l.missing()
	if !dry {
		if free, err = l.prepare(ctx, free); err != nil {
			return err
		}
	}
	todo := l.ready(free)
	s := sweep.Submission{Queued: l.count(sweep.Queued), Elsewhere: l.count(sweep.Elsewhere), Waiting: len(free) - len(todo), Runs: len(todo)}
	if len(todo) > 0 {
		if err := l.hand(pack(chains(l.plans, todo), l.Jobs), &s); err != nil {
			return err
		}
	}
	if !dry {
		for _, i := range todo {
			l.results[i].State = sweep.Queued
		}
	}
	s.Jobs = jobsOf(l.queued)
	if l.Remote.Submitted != nil {
		l.Remote.Submitted(s)
	}
	return nil
}

// askQueue finds the runs that Slurm has.
func (l *launch) askQueue(ctx context.Context) error {
	elements, err := l.client.queue(ctx)
	if err != nil {
		return err
	}
	l.queued, err = runsOf(elements, l.dir)
	for i, p := range l.plans {
		if _, there := l.queued[p.Name]; there && p.State != sweep.Done {
			l.results[i].State = sweep.Queued
		}
	}
	return err
}

// missing are the runs that are neither done nor with Slurm.
func (l *launch) missing() (todo []int) {
	for i, r := range l.results {
		if r.State == sweep.New || r.State == sweep.Begun {
			todo = append(todo, i)
		}
	}
	return todo
}

// ready leaves out runs that start from one that is neither done nor in todo: it is with Slurm or another process, and its weights are not
// the last ones yet.
func (l *launch) ready(todo []int) []int {
	for {
		ready := slices.DeleteFunc(slices.Clone(todo), func(i int) bool {
			first := find(l.plans, l.plans[i].After)
			return first >= 0 && l.results[first].State != sweep.Done && !slices.Contains(todo, first)
		})
		if len(ready) == len(todo) {
			return ready
		}
		todo = ready
	}
}

func (l *launch) count(state sweep.State) (n int) {
	for _, r := range l.results {
		if r.State == state {
			n++
		}
	}
	return n
}

// prepare makes the folders of the runs, and leaves out those that another process is training and those that ended meanwhile.
func (l *launch) prepare(ctx context.Context, todo []int) (free []int, err error) {
	for _, i := range todo {
		p := &l.plans[i]
		switch err := sweep.Prepare(ctx, p); {
		case errors.Is(err, run.ErrBusy):
			l.results[i].State = sweep.Elsewhere
		case err != nil:
			return nil, err
		case p.State == sweep.Done:
			l.tell(sweep.Event{Run: i})
			l.end(i, sweep.DoneBefore(p.Config.Out))
		default:
			free = append(free, i)
		}
	}
	return free, nil
}

// hand writes the script and its record, and submits it.
func (l *launch) hand(elements [][]int, s *sweep.Submission) error {
	cwd, err := os.Getwd()
	if err != nil {
		return fmt.Errorf("finding the current folder, where the elements are to run: %w", err)
	}
	dir, err := absolute(l.dir)
	if err != nil {
		return err
	}
	if path := cwd + l.Remote.Grid.Path; strings.ContainsFunc(path, unicode.IsControl) {
		return fail.Usage("%s: a batch script cannot name a path with line breaks or other control characters\nrename it", fail.Quote(path))
	}
	id := l.freeID(time.Now())
	s.Path, s.Elements = filepath.Join(l.dir, id+scriptEnding), len(elements)
	b := batch{
		Grid: l.Remote.Grid, Program: l.Remote.Program, Jobs: l.Jobs, Runs: s.Runs,
		Name: l.client.name, Path: s.Path, Full: filepath.Join(dir, id+scriptEnding), Dir: dir, Cwd: cwd,
	}
	var r record
	for _, indices := range elements {
		var folders, names []string
		for _, i := range indices {
			folders, names = append(folders, fail.Path(l.plans[i].Config.Out)), append(names, l.plans[i].Name)
		}
		b.Elements, r.Elements = append(b.Elements, folders), append(r.Elements, names)
	}
	if s.Script, err = b.script(); err != nil || l.Remote.DryRun {
		return err
	}
	if err := errors.Join(disk.Write(s.Path, []byte(s.Script)), r.write(l.dir, id)); err != nil {
		return err
	}
	if s.Job, err = l.client.submit(s.Path); err != nil {
		return errors.Join(fmt.Errorf("%w\nnothing was submitted: %s", err, l.refusedHint(err, len(elements))), os.Remove(filepath.Join(l.dir, id+recordEnding)))
	}
	for index, names := range r.Elements {
		for _, name := range names {
			l.queued[name] = element{Job: s.Job, Index: index}
		}
	}
	r.Job = s.Job
	if err := r.write(l.dir, id); err != nil {
		return fmt.Errorf("job %s is submitted, but its number is not recorded: %w", s.Job, err)
	}
	return nil
}

// refusedHint is what to do about a refusal of sbatch.
func (l *launch) refusedHint(err error, elements int) string {
	if strings.Contains(err.Error(), "array specification") {
		return fmt.Sprintf("%d elements may be more than this cluster takes in an array (MaxArraySize in scontrol show config)\n"+
			"put several runs into an element with --jobs N, or submit parts of the grid, as with grid.seed=[0]", elements)
	}
	return fmt.Sprintf("correct the section slurm of %s, or give slurm.KEY=VALUE, and give the same command again", l.Remote.Grid.Path)
}

// freeID is a time as a name that no script has.
func (l *launch) freeID(now time.Time) string {
	id := now.Format("20060102-150405")
	for n := 2; disk.Exists(filepath.Join(l.dir, id+scriptEnding)); n++ {
		id = fmt.Sprintf("%s-%d", now.Format("20060102-150405"), n)
	}
	return id
}

// absolute is a folder's path from the root, without links, by which processes on other nodes know it. A folder that does not exist keeps its links.
func absolute(dir string) (string, error) {
	full, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("finding the folder %s: %w", dir, err)
	}
	if real, err := filepath.EvalSymlinks(full); err == nil {
		return real, nil
	}
	return full, nil
}

// lock makes the folder of scripts and keeps other processes, of other machines too, from submitting at the same time.
func lock(ctx context.Context, dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return nil, fmt.Errorf("making the folder of scripts %s: %w\nname one that you may write to with out=FOLDER", dir, err)
	}
	l, err := lease.Acquire(ctx, dir)
	switch {
	case errors.Is(err, lease.ErrHeld):
		return nil, fmt.Errorf("%s: %w: it submits the runs of this sweep\ngive the same command again once it has ended: it submits what is still missing", dir, err)
	case ctx.Err() != nil && err != nil:
		return nil, fail.Interrupted("interrupted while waiting for the lock of %s: nothing was submitted", dir)
	case err != nil:
		return nil, fmt.Errorf("locking the folder of scripts: %w\nname one that you may write to with out=FOLDER", err)
	}
	return func() { _ = l.Release() }, nil // what remains of it is found to be a dead process's
}
