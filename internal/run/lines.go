package run

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"longtail/internal/disk"
	"longtail/internal/fail"
)

// Timing is a line of timing.jsonl: what an epoch cost in this process. The first step of a process, which allocates, is not
// in the rate.
type Timing struct {
	Epoch           float64 `json:"epoch"`
	Step            int     `json:"step"`
	Seconds         float64 `json:"seconds"`           // of training steps since the last line or the start of the process
	ImagesPerSecond float64 `json:"images_per_second"` // of whole training steps
	EvalSeconds     float64 `json:"eval_seconds"`      // of the tests at the end of the epoch
}

// AppendEpoch adds a line to metrics.jsonl, whose lines so far are before, syncs it, and returns all of them. A torn line of a killed
// process at the end is replaced; a file that was removed or changed meanwhile is written again.
func (f *Folder) AppendEpoch(before []byte, e Epoch) (lines []byte, err error) {
	line, err := json.Marshal(e)
	if err != nil {
		return before, fmt.Errorf("writing %s: %w", f.Path(MetricsFile), err)
	}
	if err := f.appendLine(MetricsFile, e); err != nil {
		return before, err
	}
	lines = append(append(before, line...), '\n')
	return lines, f.RestoreEpochs(lines)
}

// RestoreEpochs writes metrics.jsonl where it is not these lines.
func (f *Folder) RestoreEpochs(lines []byte) error {
	text, err := disk.Read(f.Path(MetricsFile), MaxLinesBytes)
	if err == nil && bytes.Equal(text, lines) {
		return nil
	}
	return f.Write(MetricsFile, lines)
}

// AppendTiming adds a line to timing.jsonl and syncs it.
func (f *Folder) AppendTiming(t Timing) error { return f.appendLine(TimingFile, t) }

func (f *Folder) appendLine(name string, record any) error {
	if err := f.lock.Check(); err != nil {
		return err
	}
	return appendLine(f.Path(name), record)
}

func appendLine(path string, record any) (err error) {
	line, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	created := !Exists(path)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return disk.WriteError(path, err)
	}
	size, err := endOfLines(f)
	if err == nil {
		err = errors.Join(f.Truncate(size), writeLineAt(f, append(line, '\n'), size))
	}
	err = errors.Join(err, f.Close())
	if err == nil && created {
		err = disk.SyncFolder(filepath.Dir(path))
	}
	if err != nil {
		return disk.WriteError(path, err)
	}
	return nil
}

// file is what writing a line needs of a file.
type file interface {
	io.WriterAt
	Truncate(size int64) error
	Sync() error
}

// writeLineAt puts a line at the end of a file of that size; where that fails, the file is what it was.
func writeLineAt(f file, line []byte, size int64) error {
	_, err := f.WriteAt(line, size)
	if err == nil {
		err = f.Sync()
	}
	if err != nil {
		return errors.Join(err, f.Truncate(size))
	}
	return nil
}

// endOfLines is the length of a file up to and with its last newline.
func endOfLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	block := make([]byte, 4096)
	for end := info.Size(); end > 0; {
		start := max(0, end-int64(len(block)))
		n, err := f.ReadAt(block[:end-start], start)
		if err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(block[:n], '\n'); i >= 0 {
			return start + int64(i) + 1, nil
		}
		end = start
	}
	return 0, nil
}

// MaxLinesBytes bounds metrics.jsonl: a hundred thousand epochs of ten thousand classes would not fit, real runs have a few MB.
const MaxLinesBytes = 1 << 30

// CutEpochs cuts metrics.jsonl back to its first n lines, which a checkpoint says belong to it, syncs it, and returns them. Where it has
// fewer, or one of them is damaged, does not end at a rising step, or all of them do not have the wanted SHA-256 (empty wants none), it
// is a data error and the file stays as it is.
func (f *Folder) CutEpochs(n int, want string) (lines []byte, err error) {
	path := f.Path(MetricsFile)
	text, err := disk.Read(path, MaxLinesBytes)
	if errors.Is(err, fs.ErrNotExist) && n == 0 {
		return nil, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		return nil, permissionError(err)
	}
	if err != nil {
		return nil, fail.Data("reading the epochs before the checkpoint: %w\n%s", err, startOver(f.Dir))
	}
	_, size, err := parseEpochs(text, n)
	if err != nil {
		return nil, fail.Data("%s, which the checkpoint says has %d whole lines: %w\n%s", path, n, err, startOver(f.Dir))
	}
	lines = text[:size:size]
	if want != "" && Hash(lines) != want {
		return nil, fail.Data("%s: its first %d lines are not those that the checkpoint was written after: one of them was changed\n%s", path, n, startOver(f.Dir))
	}
	if size == len(text) {
		return lines, nil
	}
	if err := f.lock.Check(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return nil, disk.WriteError(path, err)
	}
	if err := errors.Join(file.Truncate(int64(size)), file.Sync(), file.Close()); err != nil {
		return nil, disk.WriteError(path, err)
	}
	return lines, nil
}

// permissionError is a permission problem as what it is: nothing is damaged.
func permissionError(err error) error {
	return fail.Data("%w\ngive yourself permission to read it, then give the same command again: nothing is damaged", err)
}

// ReadEpochs reads a metrics.jsonl. A last line without an end, as a killed process leaves it, is left out; any other damage
// is a data error that names the line.
func ReadEpochs(path string) ([]Epoch, error) {
	text, err := disk.Read(path, MaxLinesBytes)
	if err != nil {
		return nil, fail.Data("reading the epochs of a run: %w", err)
	}
	epochs, _, err := parseEpochs(text, -1)
	if err != nil {
		return nil, fail.Data("%s: %w", path, err)
	}
	return epochs, nil
}

// parseEpochs reads n lines, all whole ones for n < 0, and says how many bytes they are.
func parseEpochs(text []byte, n int) (epochs []Epoch, size int, err error) {
	step := 0
	for ; len(epochs) != n; size++ {
		end := bytes.IndexByte(text[size:], '\n')
		if end < 0 {
			if n >= 0 {
				err = fmt.Errorf("it has only %d", len(epochs))
			}
			return epochs, size, err
		}
		var e Epoch
		if err := disk.Decode(text[size:size+end], &e); err != nil {
			return epochs, size, fmt.Errorf("line %d: %w", len(epochs)+1, err)
		}
		if e.Step <= step {
			return epochs, size, fmt.Errorf("line %d: step %d after step %d", len(epochs)+1, e.Step, step)
		}
		step = e.Step
		epochs = append(epochs, e)
		size += end
	}
	return epochs, size, nil
}

// startOver is the way out of a damaged folder.
func startOver(dir string) string {
	return fmt.Sprintf("restore the file from a copy, or start this run again from nothing: remove %s and give the same command", dir)
}
