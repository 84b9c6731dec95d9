package lease

import (
	"cmp"
	"errors"
	"os"
)

// host is the machine and the process as a lock records them.
type host struct {
	name, boot, spaces string
	pid                int
	job                string
	start              func(pid int) (string, error) // when a process began, see startOf
}

// thisHost describes this process.
func thisHost() host {
	h := host{boot: bootID(), pid: os.Getpid(), job: schedulerJob(os.Getenv), start: startOf}
	h.name, _ = os.Hostname() // for people
	h.spaces, _ = os.Readlink("/proc/self/ns/pid")
	return h
}

// schedulerJob is the job that this process belongs to, as its scheduler writes it; empty without one.
func schedulerJob(env func(string) string) string {
	if array, task := env("SLURM_ARRAY_JOB_ID"), env("SLURM_ARRAY_TASK_ID"); array != "" && task != "" {
		return array + "_" + task
	}
	return cmp.Or(env("SLURM_JOB_ID"), env("PBS_JOBID"), env("LSB_JOBID"))
}

// Alive reports whether the holder's process lives, as far as this machine can tell: known is false of processes of other machines, of
// other containers, and where the system does not tell.
func (r Record) Alive() (alive, known bool) { return thisHost().alive(r) }

// sameKernel reports whether a holder runs on this machine since it was started. Containers of a machine share its kernel.
func (h host) sameKernel(r Record) bool { return h.boot != "" && h.boot == r.Boot }

func (h host) alive(r Record) (alive, known bool) {
	if !h.sameKernel(r) || h.spaces != r.Spaces || r.PID <= 0 {
		return false, false
	}
	start, err := h.start(r.PID)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return false, true
	case err != nil:
		return false, false
	}
	return r.Start == "" || start == "" || start == r.Start, true
}
