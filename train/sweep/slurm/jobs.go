package slurm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"longtail/eval/status"
)

// patience is how long a question to squeue may take that is asked for people who look.
const patience = 5 * time.Second

// Jobs are the runs that Slurm has of this user, whatever their sweeps: those that the records beside the scripts name. Without squeue there
// are none. It is a status.Queue.
func Jobs(ctx context.Context) ([]status.Job, error) {
	path, err := exec.LookPath("squeue")
	if err != nil {
		return nil, nil
	}
	within, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	elements, err := ask(within, path, "--me")
	if within.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("squeue did not answer in %v: what is queued is not known", patience)
	}
	if err != nil {
		return nil, err
	}
	var jobs []status.Job
	var problems []error
	records := map[string]*record{}
	for _, e := range elements {
		r, known := records[e.Comment]
		if !known {
			var err error
			if r, err = recordOf(e.Comment); err != nil {
				problems = append(problems, err)
			}
			records[e.Comment] = r
		}
		if r == nil || e.Index < 0 || e.Index >= len(r.Elements) {
			continue
		}
		for _, name := range r.Elements[e.Index] {
			jobs = append(jobs, status.Job{
				ID: fmt.Sprintf("%s_%d", e.Job, e.Index), Folder: filepath.Join(filepath.Dir(filepath.Dir(e.Comment)), name),
				Waiting: e.State == "PENDING",
			})
		}
	}
	return jobs, errors.Join(problems...)
}

// recordOf is the record of the script that a job's comment names; nil of a job of others.
func recordOf(comment string) (*record, error) {
	id, ours := strings.CutSuffix(comment, scriptEnding)
	if !ours || !filepath.IsAbs(comment) {
		return nil, nil
	}
	r, err := readRecord(id + recordEnding)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return &r, err
}
