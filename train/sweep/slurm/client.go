package slurm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"longtail/internal/fail"
)

// client calls Slurm's programs.
type client struct {
	name   string // of the sweep's jobs
	sbatch string // path of the program
	squeue string // empty: it is not there, which only a dry run bears
}

// notName is what names of jobs lose.
var notName = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// jobName is the name of the jobs of a sweep, for people and for squeue: sweeps whose folders have the same name share it.
func jobName(out string) string {
	name := filepath.Base(out)
	if full, err := filepath.Abs(out); err == nil {
		name = filepath.Base(full)
	}
	return "longtail-" + notName.ReplaceAllString(name, "_")
}

// find looks for the programs. A dry run needs neither.
func (c *client) find(dry bool) error {
	var errSbatch, errSqueue error
	c.sbatch, errSbatch = exec.LookPath("sbatch")
	c.squeue, errSqueue = exec.LookPath("squeue")
	if err := errors.Join(errSbatch, errSqueue); err != nil && !dry {
		return fail.Usage("--launcher %s: %w: this machine has no Slurm, or its programs are not on PATH\n"+
			"give the command on a login node of the cluster (there may be a \"module load slurm\"), look at the script with --dry-run, or leave --launcher out", Name, errors.Join(errSbatch, errSqueue))
	}
	return nil
}

// element is an element of a job array that Slurm has.
type element struct {
	Job     string // of the array
	Index   int    // in the array
	State   string // in Slurm's words, such as PENDING
	Comment string // the script's path
}

// queue asks for the elements of jobs with the client's name that have not ended.
func (c *client) queue(ctx context.Context) ([]element, error) {
	if c.squeue == "" {
		return nil, nil
	}
	all, err := ask(ctx, c.squeue, "--name="+c.name)
	if err != nil {
		return nil, fmt.Errorf("%w\nwhich runs Slurm has already is not known, so that nothing was submitted: give the same command again once squeue works", err)
	}
	return all, nil
}

// ask asks squeue for the elements that an option chooses.
func ask(ctx context.Context, squeue, which string) ([]element, error) {
	cmd := exec.CommandContext(ctx, squeue, "--noheader", "--array", which, "--format=%F|%K|%T|%k")
	cmd.Env = without(os.Environ(), "SQUEUE_")
	cmd.WaitDelay = time.Second // for programs that it started
	text, err := output(cmd)
	if err != nil {
		return nil, err
	}
	var all []element
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), "|", 4)
		if len(parts) < 4 {
			continue // a remark of the cluster
		}
		if index, err := strconv.Atoi(parts[1]); err == nil {
			all = append(all, element{Job: parts[0], Index: index, State: parts[2], Comment: parts[3]})
		}
	}
	return all, nil
}

// submit hands a script to sbatch and gives the job.
func (c *client) submit(script string) (job string, err error) {
	cmd := exec.Command(c.sbatch, "--parsable", fail.Path(script))
	// What the script says counts. Other variables stay, with which people choose a partition or an account for all their jobs.
	cmd.Env = without(os.Environ(), "SBATCH_ARRAY_INX", "SBATCH_JOB_NAME", "SBATCH_COMMENT", "SBATCH_OUTPUT", "SBATCH_ERROR", "SBATCH_OPEN_MODE",
		"SBATCH_REQUEUE", "SBATCH_NO_REQUEUE", "SBATCH_SIGNAL", "SBATCH_WAIT")
	text, err := output(cmd)
	if err != nil {
		return "", err
	}
	job, _, _ = strings.Cut(strings.TrimSpace(text), ";") // JOB or JOB;CLUSTER
	if _, err := strconv.ParseUint(job, 10, 64); err != nil {
		return "", fmt.Errorf("sbatch printed %s in place of a job's number", fail.Quote(text))
	}
	return job, nil
}

// output runs a program; its error has the program's own words.
func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		words := strings.TrimSpace(stderr.String())
		if words == "" {
			words = err.Error()
		}
		return "", fmt.Errorf("%s failed (%w):\n  %s", filepath.Base(cmd.Path), err, strings.ReplaceAll(words, "\n", "\n  "))
	}
	return stdout.String(), nil
}

// without leaves out variables whose names begin with one of those.
func without(environment []string, beginnings ...string) (kept []string) {
	for _, v := range environment {
		drop := false
		for _, b := range beginnings {
			drop = drop || strings.HasPrefix(v, b)
		}
		if !drop {
			kept = append(kept, v)
		}
	}
	return kept
}
