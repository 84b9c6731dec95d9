// Package events writes and reads the event files that TensorBoard shows: scalars, pictures and hyper-parameters. The format
// is that of tensorflow/core/util/event.proto and of TensorBoard's hparams plugin, written field by field, since there is no
// living Go writer of it.
//
//	w, err := events.Create(dir, stepsDone)
//	w.AddHParams(map[string]any{"loss.beta": 0.9999})
//	w.AddScalar("test/error", 0.28, step)
//	w.Close()
//
// Every process writes a file of its own into the run's folder, as TensorFlow does; TensorBoard reads them in order of their
// names. A writer of a run that resumes says after how many steps, and TensorBoard drops what a killed process wrote later.
package events

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Writer appends events to one file. It is used from one goroutine at a time. The first error sticks and is returned by
// Flush and Close too, so that a training loop may check there only.
type Writer struct {
	f    *os.File
	buf  []byte
	now  func() time.Time
	err  error
	path string
}

// flushAt is the number of waiting bytes from which they are written without being asked to.
const flushAt = 1 << 20

// Create starts a new event file in dir, for a run that resumes after done steps (0 for a new one). Its name is
// events.out.tfevents.SECONDS.HOST.PROCESS.NUMBER, later ones sorting after earlier ones.
func Create(dir string, done int64) (*Writer, error) {
	return create(dir, done, time.Now)
}

func create(dir string, done int64, now func() time.Time) (*Writer, error) {
	host, err := os.Hostname()
	if err != nil || host == "" {
		host = "localhost"
	}
	w := &Writer{now: now}
	for n := 0; ; n++ {
		w.path = filepath.Join(dir, fmt.Sprintf("events.out.tfevents.%010d.%s.%d.%d", now().Unix(), strings.ReplaceAll(host, string(filepath.Separator), "_"), os.Getpid(), n))
		w.f, err = os.OpenFile(w.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|os.O_APPEND, 0o666)
		if err == nil {
			break
		}
		if !os.IsExist(err) {
			return nil, fmt.Errorf("making an event file for TensorBoard: %w", err)
		}
	}
	w.add(Event{Version: "brain.Event:2"})
	if done > 0 {
		w.add(Event{Step: done + 1, Start: true})
	}
	return w, w.Flush()
}

// AddScalar writes one point of a curve. Tags with a slash are grouped by what stands before it.
func (w *Writer) AddScalar(tag string, value float64, step int64) error {
	return w.add(Event{Step: step, Values: []Value{{Tag: tag, Kind: Scalar, Scalar: float32(value)}}})
}

// AddScalars writes one point of several curves; order is that of the tags.
func (w *Writer) AddScalars(tags []string, values []float64, step int64) error {
	e := Event{Step: step}
	for i, t := range tags {
		e.Values = append(e.Values, Value{Tag: t, Kind: Scalar, Scalar: float32(values[i])})
	}
	return w.add(e)
}

// AddImage writes a picture given as a PNG file of the given size in pixels.
func (w *Writer) AddImage(tag string, png []byte, width, height int, step int64) error {
	return w.add(Event{Step: step, Values: []Value{{Tag: tag, Kind: Image, PNG: png, Width: width, Height: height}}})
}

// AddHParams writes the run's hyper-parameters for TensorBoard's HPARAMS tab, where runs are compared by them. Values are
// bool, string or numbers; anything else is written as text. Call it once, at the start.
func (w *Writer) AddHParams(values map[string]any) error {
	return w.add(Event{Values: []Value{{Tag: "_hparams_/session_start_info", Kind: HParams, HParams: values, Seconds: seconds(w.now())}}})
}

// Finish says that the run is done: the HPARAMS tab shows it as a success.
func (w *Writer) Finish() error {
	w.add(Event{Values: []Value{{Tag: "_hparams_/session_end_info", Kind: HParamsEnd, Seconds: seconds(w.now())}}})
	return w.Flush()
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func (w *Writer) add(e Event) error {
	e.Wall = seconds(w.now())
	w.buf = appendRecord(w.buf, e.marshal())
	if len(w.buf) >= flushAt {
		return w.Flush()
	}
	return w.err
}

// Flush hands everything to the file system.
func (w *Writer) Flush() error {
	if w.err != nil || len(w.buf) == 0 {
		return w.err
	}
	if _, err := w.f.Write(w.buf); err != nil {
		w.err = fmt.Errorf("writing events for TensorBoard: %w", err)
	}
	w.buf = w.buf[:0]
	return w.err
}

// Close flushes and closes the file.
func (w *Writer) Close() error {
	w.Flush()
	if err := w.f.Close(); err != nil && w.err == nil {
		w.err = fmt.Errorf("closing the event file %s: %w", w.path, err)
	}
	return w.err
}
