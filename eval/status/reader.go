package status

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"longtail/data"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// Options are what a Reader may be told. The zero value is right for a program.
type Options struct {
	Queue    Queue            // nil: no scheduler is asked
	CacheDir string           // empty: longtail/status in the user's cache folder
	Now      func() time.Time // nil: time.Now
}

// Reader reads a folder of runs, again and again. It may be used by one goroutine at a time.
type Reader struct {
	Options
	folder, absolute string
	real             string // absolute and without links
	cache            *cache
	changed          bool                // the cache is not what was read
	live             map[string]*watched // runs that are not done, by name
	counts           *counts
}

// watched is what a Reader remembers of a run that is not done.
type watched struct {
	metrics metrics
	token   string    // of the lock
	beat    int       // of the lock, when it was last read
	since   time.Time // when the beat was first seen; zero at the first reading
	moves   bool      // the beat was seen to change
}

// NewReader reads the runs at or below a folder; one that is not there is a usage error.
func NewReader(folder string, o Options) (*Reader, error) {
	if info, err := os.Stat(folder); err != nil {
		return nil, fail.Usage("looking for runs in %s: %w\ngive a run's folder or one that holds runs", folder, err)
	} else if !info.IsDir() {
		return nil, fail.Usage("%s is not a folder\ngive a run's folder or one that holds runs", folder)
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	real, err := filepath.EvalSymlinks(absolute)
	if err != nil {
		real = absolute
	}
	return &Reader{
		Options: o, folder: folder, absolute: absolute, real: real, cache: openCache(o.CacheDir, absolute),
		live: map[string]*watched{}, counts: &counts{known: map[data.Spec]int{}},
	}, nil
}

// found is a run's folder, with what reading it gave.
type found struct {
	dir, name string
	files     map[string]bool // names in the folder
	job       *Job
	row       Row
	kept      kept
	watched   *watched // nil of a finished run
}

// Read is how the runs are now. Only a cancelled context is an error.
func (r *Reader) Read(ctx context.Context) (Snapshot, error) {
	s := Snapshot{Folder: r.folder, Rows: []Row{}}
	jobs := r.jobs(ctx, &s)
	all := r.find(r.folder, "")
	for _, f := range all {
		f.kept, f.watched = r.cache.Runs[f.name], r.live[f.name]
		where := filepath.Join(r.real, filepath.FromSlash(f.name))
		if f.dir == r.folder {
			where = r.real
		}
		if job, ok := jobs[where]; ok {
			f.job = &job
		}
	}
	r.readAll(ctx, all)
	if err := ctx.Err(); err != nil {
		return s, err
	}
	runs, live := map[string]kept{}, map[string]*watched{}
	for _, f := range all {
		r.changed = r.changed || f.kept.Summary != r.cache.Runs[f.name].Summary || f.kept.Config != r.cache.Runs[f.name].Config
		runs[f.name] = f.kept
		if f.watched != nil {
			live[f.name] = f.watched
		}
		s.Rows = append(s.Rows, f.row)
	}
	r.changed = r.changed || len(runs) != len(r.cache.Runs)
	r.cache.Runs, r.live = runs, live
	if r.changed {
		r.cache.write()
		r.changed = false
	}
	s.sum()
	return s, nil
}

// jobs are the scheduler's jobs by the folders of their runs.
func (r *Reader) jobs(ctx context.Context, s *Snapshot) map[string]Job {
	if r.Queue == nil {
		return nil
	}
	all, err := r.Queue(ctx)
	if err != nil {
		s.Remarks = append(s.Remarks, strings.Join(strings.Fields(err.Error()), " "))
	}
	jobs := map[string]Job{}
	for _, j := range all {
		if other, there := jobs[j.Folder]; !there || other.Waiting && !j.Waiting {
			jobs[j.Folder] = j
		}
	}
	return jobs
}

// find lists the folders of runs at or below dir. Links are not followed, and nothing below a run's folder is another run.
func (r *Reader) find(dir, name string) (all []*found) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return []*found{{dir: dir, name: nameOf(dir, name), row: Row{State: Damaged, Problem: err.Error()}}}
	}
	files := map[string]bool{}
	for _, e := range entries {
		files[e.Name()] = true
	}
	if files[run.ConfigFile] || files[run.SummaryFile] {
		return []*found{{dir: dir, name: nameOf(dir, name), files: files}}
	}
	for _, e := range entries {
		if e.IsDir() {
			below := e.Name()
			if name != "" {
				below = name + "/" + below
			}
			all = append(all, r.find(filepath.Join(dir, e.Name()), below)...)
		}
	}
	return all
}

// nameOf is the name of a run; the folder that a Reader was given may be one.
func nameOf(dir, name string) string {
	if name != "" {
		return name
	}
	if absolute, err := filepath.Abs(dir); err == nil {
		dir = absolute
	}
	return filepath.Base(dir)
}

// readAll reads runs side by side: most of the time goes into files.
func (r *Reader) readAll(ctx context.Context, all []*found) {
	var next atomic.Int64
	var workers sync.WaitGroup
	for range max(4, runtime.GOMAXPROCS(0)) { // more than processors: a network file system answers several at once
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(all) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				f := all[i]
				if f.files != nil {
					r.read(f)
				}
				f.row.Name, f.row.Folder = f.name, f.dir
			}
		})
	}
	workers.Wait()
}
