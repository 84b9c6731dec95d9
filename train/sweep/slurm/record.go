package slurm

import (
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
	text, err := disk.Encode(r)
	if err != nil {
		return fmt.Errorf("writing the record of a submission: %w", err)
	}
	return disk.Write(filepath.Join(dir, id+recordEnding), text)
}

func readRecord(path string) (r record, err error) {
	text, err := disk.Read(path, maxRecordBytes)
	if err == nil {
		err = disk.Decode(text, &r)
	}
	if err != nil {
		return r, fail.Data("%s, which records a submission to Slurm, cannot be read: %w\nremove it once its job has ended: without it the job's runs would be submitted again", path, err)
	}
	return r, nil
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
		if all[id+scriptEnding], err = readRecord(filepath.Join(dir, e.Name())); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// runsOf are the runs of elements, by name, as the records in the sweep's folder say. A job's comment names its script, whoever submitted it;
// where a cluster has taken the comment away, the record names the job.
func runsOf(elements []element, dir string) (map[string]element, error) {
	runs := map[string]element{}
	if len(elements) == 0 {
		return runs, nil
	}
	records, err := readRecords(dir)
	if err != nil {
		return nil, err
	}
	full, err := absolute(dir)
	if err != nil {
		return nil, err
	}
	byJob := map[string]record{}
	for _, r := range records {
		byJob[r.Job] = r
	}
	for _, e := range elements {
		r := byJob[e.Job]
		if strings.HasSuffix(e.Comment, scriptEnding) {
			r = record{}
			if filepath.Dir(e.Comment) == full {
				r = records[filepath.Base(e.Comment)]
			}
		}
		if e.Index < len(r.Elements) {
			for _, name := range r.Elements[e.Index] {
				runs[name] = e
			}
		}
	}
	return runs, nil
}

// jobsOf are the jobs that have runs, in order.
func jobsOf(queued map[string]element) (jobs []string) {
	for _, e := range queued {
		jobs = append(jobs, e.Job)
	}
	slices.Sort(jobs)
	return slices.Compact(jobs)
}
