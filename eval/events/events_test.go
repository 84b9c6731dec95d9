package events

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"longtail/internal/fail"

	"github.com/google/go-cmp/cmp"
)

func clock() time.Time { return time.Unix(1700000000, 0) }

func read(t *testing.T, path string) []Event {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	w, err := create(t.TempDir(), 0, clock)
	if err != nil {
		t.Fatal(err)
	}
	w.AddHParams(map[string]any{"loss.name": "focal", "loss.beta": 0.9999, "seed": 3, "flag": true, "odd": []int{1}})
	w.AddScalar("test/error", 0.25, 97)
	w.AddScalars([]string{"a", "b"}, []float64{1, -2}, 98)
	w.AddImage("confusion", []byte("png"), 20, 10, 98)
	w.Finish()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := []Event{
		{Version: "brain.Event:2"},
		{Values: []Value{{Tag: "_hparams_/session_start_info", Kind: HParams, Seconds: 1.7e9,
			HParams: map[string]any{"loss.name": "focal", "loss.beta": 0.9999, "seed": 3.0, "flag": true, "odd": "[1]"}}}},
		{Step: 97, Values: []Value{{Tag: "test/error", Kind: Scalar, Scalar: 0.25}}},
		{Step: 98, Values: []Value{{Tag: "a", Kind: Scalar, Scalar: 1}, {Tag: "b", Kind: Scalar, Scalar: -2}}},
		{Step: 98, Values: []Value{{Tag: "confusion", Kind: Image, PNG: []byte("png"), Width: 20, Height: 10}}},
		{Values: []Value{{Tag: "_hparams_/session_end_info", Kind: HParamsEnd, Seconds: 1.7e9}}},
	}
	for i := range want {
		want[i].Wall = 1.7e9
	}
	if d := cmp.Diff(want, read(t, w.path)); d != "" {
		t.Error(d)
	}
}

// The bytes of the first record of every event file by TensorFlow, but for the time: length 24, CRCs as in its own files.
func TestMaskedCRC(t *testing.T) {
	// The known answer of RFC 3720, B.4 for 32 zero bytes is 0x8a9136aa; masked as in TensorFlow's crc32c.h.
	crc := uint32(0x8a9136aa)
	want := (crc>>15 | crc<<17) + 0xa282ead8
	if got := maskedCRC(make([]byte, 32)); got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
	length := []byte{24, 0, 0, 0, 0, 0, 0, 0}
	if got := appendRecord(nil, make([]byte, 24))[:8]; !bytes.Equal(got, length) {
		t.Errorf("length %v", got)
	}
}

func TestAResumedRunHasAFileOfItsOwn(t *testing.T) {
	dir := t.TempDir()
	for _, done := range []int64{0, 50} {
		w, err := create(dir, done, clock)
		if err != nil {
			t.Fatal(err)
		}
		w.AddScalar("x", float64(done), done+1)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "events.out.tfevents.*"))
	if err != nil || len(files) != 2 {
		t.Fatalf("%v, %v", files, err)
	}
	if e := read(t, files[1]); !e[1].Start || e[1].Step != 51 {
		t.Errorf("the second file does not say where it starts: %+v", e)
	}
}

func TestDamagedFiles(t *testing.T) {
	w, err := create(t.TempDir(), 0, clock)
	if err != nil {
		t.Fatal(err)
	}
	w.AddScalar("x", 1, 1)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(w.path)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(whole) {
		if e, err := Read(bytes.NewReader(whole[:cut])); err != nil || len(e) > 1 {
			t.Fatalf("cut at %d: %v, %v", cut, e, err)
		}
	}
	for i := range whole {
		flipped := bytes.Clone(whole)
		flipped[i] ^= 4
		if _, err := Read(bytes.NewReader(flipped)); fail.Code(err) != fail.CodeData {
			t.Fatalf("byte %d flipped: %v", i, err)
		}
	}
}

func TestAFullDiskIsReported(t *testing.T) {
	w, err := create(t.TempDir(), 0, clock)
	if err != nil {
		t.Fatal(err)
	}
	w.f.Close()
	w.AddScalar("x", 1, 1)
	if err := w.Flush(); err == nil {
		t.Error("a failed write goes unnoticed")
	}
	if err := w.Close(); err == nil {
		t.Error("Close forgets the error")
	}
	if _, err := Create(filepath.Join(t.TempDir(), "none"), 0); err == nil {
		t.Error("a missing folder goes unnoticed")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(appendRecord(nil, Event{Version: "brain.Event:2", Step: 4, Start: true}.marshal()))
	f.Add(appendRecord(nil, Event{Values: []Value{{Tag: "h", Kind: HParams, HParams: map[string]any{"a": 1.0, "b": "x", "c": true}}}}.marshal()))
	f.Add(appendRecord(nil, Event{Values: []Value{{Tag: "i", Kind: Image, PNG: []byte{1}}}}.marshal()))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, _ = Read(bytes.NewReader(b))
		_, _ = Read(bytes.NewReader(appendRecord(nil, b))) // past the checksums
	})
}
