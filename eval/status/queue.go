package status

import (
	"context"
	"sync"
	"time"
)

// Job is what a scheduler knows of a run.
type Job struct {
	ID      string // such as "1234_5" of Slurm
	Folder  string // of the run, absolute and without links
	Waiting bool   // it has not begun
}

// Queue asks a scheduler for the jobs of the user. An error leaves them out of a Snapshot and is one of its remarks.
type Queue func(ctx context.Context) ([]Job, error)

// Every is a queue that is asked once in so long; in between its last answer holds. It spares a scheduler that all users share.
func Every(d time.Duration, ask Queue) Queue {
	var mu sync.Mutex
	var asked time.Time
	var jobs []Job
	var err error
	return func(ctx context.Context) ([]Job, error) {
		mu.Lock()
		defer mu.Unlock()
		if asked.IsZero() || time.Since(asked) >= d {
			jobs, err = ask(ctx)
			asked = time.Now()
		}
		return jobs, err
	}
}
