package status

import "context"

// Job is what a scheduler knows of a run.
type Job struct {
	ID      string // such as "1234_5" of Slurm
	Folder  string // of the run, absolute
	Waiting bool   // it has not begun
}

// Queue asks a scheduler for the jobs of the user. An error leaves them out of a Snapshot and is one of its remarks.
type Queue func(ctx context.Context) ([]Job, error)
