package slurm

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run/lease"
)

// Endings of the files of one submission in OUT/slurm, whose names begin with its time.
const (
	scriptEnding = ".sbatch"
	recordEnding = ".json"
)

// maxRecordBytes bounds a record: ten thousand runs with long names.
const maxRecordBytes = 16 << 20

// record is TIME.json: what the elements of a script's array train.
type record struct {
	Job      string     `json:"job"`      // of the first submission; empty until sbatch has taken it
	Elements [][]string `json:"elements"` // names of runs, by index in the array
}

func (r *record) write(dir, id string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the record of a submission: %w", err)
	}
	return disk.Write(filepath.Join(dir, id+recordEnding), append(text, '\n'))
}

// readRecords reads the records of a folder, by the names of their scripts.
func readRecords(dir string) (map[string]record, error) {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading what was submitted before: %w", err)
	}
	all := map[string]record{}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), recordEnding)
		if !ok || lease.Owns(e.Name()) || strings.HasPrefix(id, ".") {
			continue
		}
		path := filepath.Join(dir, e.Name())
		text, err := disk.Read(path, maxRecordBytes)
		var r record
		if err == nil {
			err = disk.Decode(text, &r)
		}
		if err != nil {
			return nil, fail.Data("%s, which records a submission to Slurm, cannot be read: %w\nremove it once its job has ended: without it the job's runs would be submitted again", path, err)
		}
		all[id+scriptEnding] = r
	}
	return all, nil
}

// runsOf are the runs of elements, by name, as the records in the sweep's folder say. A script that was submitted again by hand has a job
// that its record does not name; the job's comment names the script.
func runsOf(elements []element, dir string) (map[string]element, error) {
	runs := map[string]element{}
	if len(elements) == 0 {
		return runs, nil
	}
	records, err := readRecords(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range elements {
		for script, r := range records {
			if ours := e.Job == r.Job || e.Comment == filepath.Join(mustAbsolute(dir), script); !ours || e.Index >= len(r.Elements) {
				continue
			}
			for _, name := range r.Elements[e.Index] {
				runs[name] = e
			}
		}
	}
	return runs, nil
}

// mustAbsolute is absolute, or the folder as it is.
func mustAbsolute(dir string) string {
	if full, err := absolute(dir); err == nil {
		return full
	}
	return dir
}

// jobsOf are the jobs that have runs, and one more where it is not empty, in order.
func jobsOf(queued map[string]element, more string) (jobs []string) {
	if more != "" {
		jobs = append(jobs, more)
	}
	for _, e := range queued {
		jobs = append(jobs, e.Job)
	}
	slices.Sort(jobs)
	return slices.Compact(jobs)
}
