package status

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"longtail/internal/disk"
	"longtail/internal/run"
)

const (
	firstWindow = 32 << 10 // bytes that are read from the end of a file of lines
	mostWindow  = 16 << 20 // where no test is found in them, there is none
)

// epochLine is what is read of a line of metrics.jsonl; the accuracy of each class is not decoded.
type epochLine struct {
	Epoch float64                  `json:"epoch"`
	Step  int                      `json:"step"`
	Train struct{ Loss float64 }   `json:"train"`
	Test  *struct{ Error float64 } `json:"test"`
}

// metrics is the end of a metrics.jsonl that grows.
type metrics struct {
	end  int64 // bytes that were read, up to and with the last whole line
	last epochLine
	err  *float64 // of the last test
}

// read reads what was added since the last call, all anew where the file became shorter or other lines took their place.
func (m *metrics) read(path string) error {
	before := *m
	err := m.add(path, m.end)
	if err != nil && before.end > 0 {
		*m = metrics{}
		err = m.add(path, 0)
	}
	return err
}

func (m *metrics) add(path string, from int64) error {
	for window := int64(firstWindow); ; window *= 8 {
		lines, end, whole, err := lastLines(path, from, window)
		if err != nil {
			return err
		}
		next, found := metrics{end: end, last: m.last, err: m.err}, false
		for i := len(lines) - 1; i >= 0; i-- {
			var e epochLine
			if err := json.Unmarshal(lines[i], &e); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			if i == len(lines)-1 {
				next.last = e
			}
			if e.Test != nil {
				next.err, found = &e.Test.Error, true
				break
			}
		}
		if found || whole || window >= mostWindow {
			*m = next
			return nil
		}
	}
}

// lastLines are the whole lines among the last window bytes of a file, of those from the byte from on; end is where the last one ends,
// and whole reports that none was left out. A file that is shorter than from is an error, and so is a window without a line in a longer part.
func lastLines(path string, from, window int64) (lines [][]byte, end int64, whole bool, err error) {
	f, err := disk.Open(path, run.MaxLinesBytes)
	if err != nil {
		return nil, 0, false, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, false, err
	}
	if info.Size() < from {
		return nil, 0, false, fmt.Errorf("%s became shorter", path)
	}
	start := max(from, info.Size()-window)
	text := make([]byte, info.Size()-start)
	n, err := f.ReadAt(text, start)
	if err != nil && err != io.EOF {
		return nil, 0, false, err
	}
	text = text[:n]
	whole = start == from
	if !whole { // it begins in the middle of a line
		cut := bytes.IndexByte(text, '\n') + 1
		text, start = text[cut:], start+int64(cut)
	}
	last := bytes.LastIndexByte(text, '\n') + 1
	if last == 0 {
		return nil, start, whole, nil
	}
	return bytes.Split(text[:last-1], []byte("\n")), start + int64(last), whole, nil
}

// timing is the last line of timing.jsonl; zero where there is none.
func timing(path string) (t run.Timing) {
	lines, _, _, err := lastLines(path, 0, 4<<10)
	if err == nil && len(lines) > 0 {
		if json.Unmarshal(lines[len(lines)-1], &t) != nil {
			return run.Timing{}
		}
	}
	return t
}
