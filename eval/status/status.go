// Package status tells how the runs of a folder are, cheaply: thousands of runs in well under a second.
//
//	r, err := status.NewReader("runs", status.Options{})
//	snapshot, err := r.Read(ctx)
//
// It reads the folders of runs and, through [Options].Queue, what a scheduler has queued; it writes nothing there. A finished run is read
// once: its row is kept in the user's cache folder under the path, size and time of its summary.json. Of metrics.jsonl only the end is
// read, and by the same Reader only what was added. A Reader that reads repeatedly sees heartbeats change, and then needs no clock.
package status

import (
	"cmp"
	"slices"
	"time"
)

// State is how a run is.
type State string

// The states of a run.
const (
	New         State = "new"         // it has a config, and no step was done
	Queued      State = "queued"      // a scheduler has it, and no process is at work on it yet
	Running     State = "running"     // a process is at work on it
	Done        State = "done"        // its result is there
	Failed      State = "failed"      // it ended with an error
	Interrupted State = "interrupted" // it was stopped with its state saved
	Stale       State = "stale"       // its process was killed, or its machine does not answer; the same command resumes it
	Damaged     State = "damaged"     // a file of it cannot be read
)

// States are all states, in the order in which they are counted for people.
func States() []State {
	return []State{Done, Running, Queued, New, Interrupted, Stale, Failed, Damaged}
}

// Row is one run. Numbers that are not known are nil or 0. Texts come from files of others: escape them where they are shown.
type Row struct {
	Name   string `json:"name"`   // the folder below that of the Reader, with slashes
	Folder string `json:"folder"` // path
	State  State  `json:"state"`

	Epoch  float64  `json:"epoch"` // epochs done
	Epochs float64  `json:"epochs"`
	Step   int      `json:"step"` // optimiser steps done
	Steps  int      `json:"steps"`
	Loss   *float64 `json:"loss,omitempty"`         // training loss of the last epoch, of the current one while it runs
	Error  *float64 `json:"error,omitempty"`        // test error in [0, 1]: the last one; of a finished run the one that it is quoted by
	Rate   float64  `json:"images_per_s,omitempty"` // of training steps: the current or last one
	Left   float64  `json:"seconds_left,omitempty"` // of a run at work
	Test   string   `json:"set,omitempty"`          // the set that is being evaluated

	Host   string `json:"host,omitempty"`   // where it is at work, or was last
	PID    int    `json:"pid,omitempty"`    // of a process that is at work or was killed
	Job    string `json:"job,omitempty"`    // of the scheduler
	Device string `json:"device,omitempty"` // in words: what computed it last

	Model     string `json:"model,omitempty"`
	Precision string `json:"precision,omitempty"`
	Batch     int    `json:"batch,omitempty"`

	Problem string    `json:"problem,omitempty"` // of a failed or damaged run: the error's text
	Changed time.Time `json:"changed"`           // when a file of it changed last, by the file system's clock

	EvalShare float64 `json:"eval_share,omitempty"` // seconds of tests for each second of training
}

// ImagesLeft is how many images the run still shows to its network; 0 where that is not known.
func (r Row) ImagesLeft() int64 {
	if r.State == Done {
		return 0
	}
	return int64(max(0, r.Steps-r.Step)) * int64(r.Batch)
}

// estimate fills in the time that is left.
func (r *Row) estimate() {
	if r.State == Running && r.Rate > 0 {
		r.Left = float64(r.ImagesLeft()) / r.Rate * (1 + r.EvalShare)
	}
}

// Totals are the sums over rows.
type Totals struct {
	Runs   int           `json:"runs"`
	States map[State]int `json:"states"` // those that occur
	Step   int64         `json:"step"`   // steps done
	Steps  int64         `json:"steps"`
	Rate   float64       `json:"images_per_s"`           // of all runs at work
	Left   float64       `json:"seconds_left,omitempty"` // until all are done, were all as quick as those at work; 0 where none is
}

// Snapshot is a folder at one moment.
type Snapshot struct {
	Folder  string   `json:"folder"`
	Rows    []Row    `json:"runs"` // sorted by name
	Totals  Totals   `json:"totals"`
	Remarks []string `json:"remarks,omitempty"` // what could not be asked, a line each
}

// sum sorts the rows and adds them up.
func (s *Snapshot) sum() {
	slices.SortFunc(s.Rows, func(a, b Row) int { return cmp.Compare(a.Name, b.Name) })
	t := Totals{Runs: len(s.Rows), States: map[State]int{}}
	var left int64
	var seconds, images float64 // of runs at work, to know the tests' share
	for _, r := range s.Rows {
		t.States[r.State]++
		t.Step, t.Steps = t.Step+int64(r.Step), t.Steps+int64(r.Steps)
		left += r.ImagesLeft()
		if r.State == Running && r.Rate > 0 {
			t.Rate += r.Rate
			seconds, images = seconds+r.Left, images+float64(r.ImagesLeft())/r.Rate
		}
	}
	if t.Rate > 0 && images > 0 {
		t.Left = float64(left) / t.Rate * seconds / images
	}
	s.Totals = t
}
