//go:build gpu

package cuda

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"longtail/cuda/driver"
	"longtail/data"
	"longtail/data/mix"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/plan"
)

// tiny is an experiment whose images are tiny.
var tiny = experiment{model: "resnet8", shortcut: "avgpool", loss: "softmax", classes: 5, batch: 4, side: 16}

// tight opens the device with no room for images, and buffers that hold two steps of an experiment. The remarks come with it.
func (e experiment) tight(t *testing.T) (*Backend, *[]string) {
	t.Helper()
	remarks, none := &[]string{}, int64(0)
	b, err := New(Options{ImageLimit: &none, Remark: func(text string) { *remarks = append(*remarks, text) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	b.ringBytes = 2*e.batch*e.noise().ImageBytes() + 5
	return b, remarks
}

// mapped is the same images as a packed file has them: behind others, in another order, and checked before use.
func mapped(m data.Images, damaged int32) data.Images {
	size := m.ImageBytes()
	at := rand.New(rand.NewPCG(1, 2)).Perm(m.Len())
	pixels := make([]byte, (m.Len()+1)*size)
	m.Rows = make([]int32, m.Len())
	for i, place := range at {
		m.Rows[i] = int32(place + 1)
		copy(pixels[(place+1)*size:], m.Pixels[i*size:][:size])
	}
	m.Pixels = pixels
	bad := int32(-1)
	if damaged >= 0 {
		bad = m.Rows[damaged]
	}
	m.Check = func(row int32) error {
		if row == bad {
			return fail.Data("a block is damaged")
		}
		return nil
	}
	return m
}

// A training whose images are uploaded as its steps need them has the bits of one whose images are on the device: in both precisions, with
// mixed and repeated images, in calls of several lengths.
func TestUploadedImagesGiveTheSameBits(t *testing.T) {
	type setting struct {
		name string
		experiment
		precision device.Precision
	}
	settings := []setting{{"plain", tiny, device.FP32}}
	for i, rule := range mix.Names() {
		e := tiny.mixes(t, rule)
		mixes := e.more
		e.more = func(o *plan.Options) {
			mixes(o)
			resampled.more(o)
		}
		settings = append(settings, setting{rule, e, []device.Precision{device.Mixed, device.FP32}[i%2]})
	}
	for _, c := range settings {
		t.Run(fmt.Sprintf("%s, %s", c.name, c.precision), func(t *testing.T) {
			images := c.noise()
			want := c.open(t, newBackend(t), c.precision, images)
			b, remarks := c.tight(t)
			got := c.open(t, b, c.precision, mapped(images, -1))
			if u := got.(*session).uploads; u == nil || u.steps != 2 {
				t.Fatalf("the session uploads with %+v", u)
			}
			for _, call := range [][2]int{{0, 1}, {1, 5}} {
				x, y := c.train(t, got, call[0], call[1]), c.train(t, want, call[0], call[1])
				if x.Loss != y.Loss || x.Samples != y.Samples || !maps.Equal(x.Confusion, y.Confusion) {
					t.Errorf("sums are %+v, want %+v", x, y)
				}
			}
			sameState(t, "uploaded", must[device.State](t)(got.Save()), must[device.State](t)(want.Save()))
			if len(*remarks) == 0 || !strings.Contains((*remarks)[0], fmt.Sprintf("%d images do not fit", samples)) {
				t.Errorf("remarks are %q", *remarks)
			}
		})
	}
}

// Evaluation reads what it uploads, padding left out.
func TestUploadedEvaluationGivesTheSameBits(t *testing.T) {
	order := []int32{3, 1, 7, 20, 5, 5, 9, -1, -1, 23, 2, -1}
	var sums []device.Sums
	var logits [][]float32
	tight, _ := tiny.tight(t)
	for _, b := range []*Backend{newBackend(t), tight} {
		s := tiny.open(t, b, device.FP32, tiny.noise())
		p, _, err := tiny.network().Plan(tiny.batch, plan.Options{})
		if err != nil {
			t.Fatal(err)
		}
		evaluation := must[device.Session](t)(b.Open(p, device.FP32, mapped(tiny.noise(), -1), s))
		sums = append(sums, must[device.Sums](t)(evaluation.Run(order, 0, 3)))
		logits = append(logits, must[[]float32](t)(evaluation.Read(device.Logits))[:2*tiny.classes])
		if err := evaluation.Close(); err != nil {
			t.Error(err)
		}
	}
	if sums[0].Loss != sums[1].Loss || sums[1].Samples != 9 || !maps.Equal(sums[0].Confusion, sums[1].Confusion) || !slices.Equal(logits[0], logits[1]) {
		t.Errorf("sums are %+v and %+v, logits %v and %v", sums[0], sums[1], logits[0], logits[1])
	}
}

// Uploads are counted as the emulator counts them: one for the images of each buffer beside the two of a call, and two downloads.
func TestUploadsOfImagesAreCounted(t *testing.T) {
	b, _ := tiny.tight(t)
	s := tiny.open(t, b, device.FP32, tiny.noise())
	before := s.Counters()
	emulated := counted(func() { tiny.train(t, s, 0, 5) })
	got := since(before, s.Counters())
	if got.Uploads != 2+3 || got.Downloads != 2 {
		t.Errorf("counted %+v", got)
	}
	emulated.compare(t, got)
}

// A limit holds for all sets together; sessions on images that are on the device share them.
func TestLimitOfImages(t *testing.T) {
	one := tiny.noise()
	limit := int64(len(one.Pixels)) + 1
	b, err := New(Options{ImageLimit: &limit})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for i, want := range []struct {
		images   data.Images
		uploaded bool
	}{{one, false}, {one, false}, {tiny.noise(), true}} {
		if s := tiny.open(t, b, device.FP32, want.images); (s.(*session).uploads != nil) != want.uploaded {
			t.Errorf("session %d: uploaded is %t, want %t", i, !want.uploaded, want.uploaded)
		}
	}
}

// Images of a damaged part of a file end the call that wants them, and the session is usable afterwards.
func TestDamagedImagesAreNotUploaded(t *testing.T) {
	b, _ := tiny.tight(t)
	order := tiny.order(0, 6)
	damaged := order[len(order)-1]
	s := tiny.open(t, b, device.FP32, mapped(tiny.noise(), damaged))
	if _, err := s.Run(order, 0, 6); fail.Code(err) != fail.CodeData {
		t.Errorf("%v is no data error", err)
	}
	before := slices.Index(order, damaged) / tiny.batch
	if _, err := s.Run(order[:before*tiny.batch], 0, before); err != nil || before == 0 {
		t.Errorf("after it, %d steps: %v", before, err)
	}
}

// What a missing wait would do is seen: a copy into a buffer that queued steps read, and a change of memory that a copy reads.
func TestOverwrittenUploadsAreCaught(t *testing.T) {
	if n, ok := driver.ReadCounters(); !ok || !n.Checked {
		t.Skip("only the checked build of the emulator sees this")
	}
	t.Setenv("EMULATOR_QUIET", "1")
	open := func(t *testing.T) (*session, *uploads) {
		b, _ := tiny.tight(t)
		s := tiny.open(t, b, device.FP32, tiny.noise()).(*session)
		order := tiny.order(0, 4)
		if err := errors.Join(s.begin(order, 0), s.launch(order, 4)); err != nil {
			t.Fatal(err)
		}
		return s, s.uploads
	}
	t.Run("a buffer on the device", func(t *testing.T) {
		s, u := open(t)
		for i := range u.buffers {
			b := &u.buffers[i]
			if err := u.stream.UploadPinned(b.at, b.host, 0, 64); err == nil || !strings.Contains(err.Error(), "images_f32 read") {
				t.Errorf("buffer %d: %v", i, err)
			}
			if err := errors.Join(u.stream.Wait(b.read), u.stream.UploadPinned(b.at, b.host, 0, 64)); err != nil {
				t.Errorf("buffer %d, with the wait: %v", i, err)
			}
		}
		must[device.Sums](t)(s.end(nil, nil))
	})
	t.Run("pinned memory", func(t *testing.T) {
		_, u := open(t)
		b := &u.buffers[1]
		b.host.Bytes()[3]++
		if err := b.copied.Synchronize(); err == nil || !strings.Contains(err.Error(), "pinned memory was overwritten") {
			t.Error(err)
		}
		b.host.Bytes()[3]++ // nothing reads it now
		if err := u.stream.Synchronize(); err != nil {
			t.Error(err)
		}
	})
}

// The variable of the environment is the limit in MB.
func TestImageLimitOfTheEnvironment(t *testing.T) {
	for text, want := range map[string]int64{"": -1, "0": 0, "4096": 4096e6, "-1": -2, "4 GB": -2} {
		t.Setenv(imageMemory, text)
		limit, err := imageLimit()
		got := int64(-1)
		if err != nil {
			got = -2
		} else if limit != nil {
			got = *limit
		}
		if got != want || err != nil && fail.Code(err) != fail.CodeUsage {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
