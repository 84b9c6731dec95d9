package bench

import (
	"os"
	"path/filepath"
	"slices"
	"time"

	"longtail/internal/disk"
)

// Record is a measurement that was kept for estimates of what sweeps cost.
type Record struct {
	Time      string  `json:"time"`   // RFC 3339
	Device    string  `json:"device"` // in words
	Model     string  `json:"model"`
	Precision string  `json:"precision"`
	Batch     int     `json:"batch"`
	Runs      int     `json:"runs"`         // trainings at once
	ImagesPS  float64 `json:"images_per_s"` // of all of them
}

// mostRecords bounds what is kept, the latest ones.
const mostRecords = 200

// maxRecordBytes bounds the file that is read.
const maxRecordBytes = 1 << 20

// recordPath is where records are kept on this machine.
func recordPath() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "longtail", "bench.json"), err
}

// Keep records a measurement in the user's cache folder, in place of an earlier one of the same kind. It fails where that cannot be written,
// which costs an estimate only.
func Keep(m Measurement, device string) error {
	path, err := recordPath()
	if err != nil {
		return err
	}
	r := Record{time.Now().Format(time.RFC3339), device, m.Model, m.Precision, m.Batch, m.Runs, m.ImagesPS}
	all := slices.DeleteFunc(Records(), func(o Record) bool {
		return o.Device == r.Device && o.Model == r.Model && o.Precision == r.Precision && o.Batch == r.Batch && o.Runs == r.Runs
	})
	all = append(all, r)
	text, err := disk.Encode(all[max(0, len(all)-mostRecords):])
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return disk.Write(path, text)
}

// Records are the measurements that were kept, the latest last; none where they cannot be read.
func Records() (all []Record) {
	path, err := recordPath()
	if err != nil {
		return nil
	}
	text, err := disk.Read(path, maxRecordBytes)
	if err != nil || disk.Decode(text, &all) != nil {
		return nil
	}
	return slices.DeleteFunc(all, func(r Record) bool { return !(r.ImagesPS > 0) || r.Runs < 1 })
}
