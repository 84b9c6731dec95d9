package serve

import (
	"errors"
	"io/fs"
	"maps"
	"net/http"
	"path/filepath"
	"slices"

	"longtail/data"
	"longtail/eval"
	"longtail/eval/status"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// detail is what the page of one run shows besides its row.
type detail struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Folder      string      `json:"folder"`
	Command     string      `json:"command"` // makes or resumes the run
	Problem     string      `json:"problem,omitempty"`
	Log         string      `json:"log,omitempty"`     // of a failed run: the whole error
	JobLog      string      `json:"job_log,omitempty"` // of a run that is neither done nor at work: the end of its Slurm job's
	Config      string      `json:"config,omitempty"`
	Environment [][2]string `json:"environment,omitempty"`
	Classes     *classes    `json:"classes,omitempty"`
	Confusion   [][]int64   `json:"confusion,omitempty"` // [C][C] counts of the test at the last step, row = true class
	Table       *table      `json:"table,omitempty"`     // the results, in the words of compare and report
}

// classes is the accuracy of each class, from most to fewest training images.
type classes struct {
	Set      string    `json:"set"` // test, validation or train
	Epoch    float64   `json:"epoch"`
	Order    []int     `json:"order"`  // [C]
	Names    []string  `json:"names"`  // [C] by class
	Counts   []int     `json:"counts"` // [C] training images; empty where they are not known
	Accuracy []float64 `json:"accuracy"`
}

// run answers ?id=ID.
func (s *Server) run(r *http.Request) (any, error) {
	rows, err := s.chosen(r)
	if err != nil {
		return nil, err
	}
	row := rows[0]
	d := detail{ID: idOf(row.Name), Name: row.Name, Folder: row.Folder, Problem: row.Problem}
	d.Command = fail.CommandLine([]string{"longtail", "train", fail.Path(filepath.Join(row.Folder, run.ConfigFile))})
	if failure, err := run.ReadFailure(row.Folder); err == nil {
		d.Log = failure.Error
	} else if !errors.Is(err, fs.ErrNotExist) {
		d.Log = err.Error()
	}
	if row.State != status.Done && row.State != status.Running {
		d.JobLog = jobLog(s.board.root, s.options.Logs, row)
	}
	one, err := read(row)
	if err != nil {
		d.Problem = err.Error()
		return d, nil
	}
	d.Config = one.ConfigText
	for _, key := range slices.Sorted(maps.Keys(one.Environment)) {
		d.Environment = append(d.Environment, [2]string{key, one.Environment[key]})
	}
	d.Classes = classesOf(one)
	if row.State == status.Done {
		d.Confusion = one.Result(eval.Last).Confusion
		t := newTable(resultTable(one))
		d.Table = &t
	}
	return d, nil
}

// classesOf is the accuracy of each class at the end of a finished run, else at the last epoch that was tested; nil before there is any.
func classesOf(r *eval.Run) *classes {
	c := &classes{Counts: r.Summary.Counts}
	if last := r.Result(eval.Last); last != nil && len(last.PerClass) > 0 {
		c.Set, c.Epoch, c.Accuracy = "test", last.Epoch, last.PerClass
	} else if !c.take(r.History) {
		return nil
	}
	for i := range c.Accuracy {
		c.Names = append(c.Names, eval.ClassName(r.Summary.ClassNames, i))
	}
	if len(c.Counts) == len(c.Accuracy) {
		c.Order = data.ByFrequency(c.Counts)
	} else {
		c.Counts, c.Order = nil, data.ByFrequency(make([]int, len(c.Accuracy)))
	}
	return c
}

// take takes the last test of a history, else the last epoch of training, and reports whether there is one.
func (c *classes) take(history []run.Epoch) bool {
	for _, e := range slices.Backward(history) {
		if e.Test != nil {
			c.Set, c.Epoch, c.Accuracy = "test", e.Epoch, e.Test.PerClass
			return len(c.Accuracy) > 0
		}
	}
	for _, e := range slices.Backward(history) {
		c.Set, c.Epoch, c.Accuracy = "train", e.Epoch, e.Train.PerClass
		return len(c.Accuracy) > 0
	}
	return false
}
