package plan_test

import (
	"math"
	"testing"

	"longtail/internal/plan"
	"longtail/internal/program/programtest"
)

// A program without another rule turns bytes into byte / 128 - 1, exactly.
func TestBytesAreThePapersInputUnlessTold(t *testing.T) {
	p, _, err := programtest.Network("resnet8", "avgpool", "softmax", 10, 0).Plan(4, plan.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for c, line := range p.Pixels.Table() {
		for b, x := range line {
			if x != float32(b)/128-1 {
				t.Fatalf("byte %d of channel %d is %v", b, c, x)
			}
		}
	}
	if p.Pixels.Border != -1 {
		t.Errorf("the border is %v, want that of byte 0", p.Pixels.Border)
	}
}

// The table rounds scale byte + shift once, as a fused multiply-add does.
func TestTableRoundsOnce(t *testing.T) {
	p := plan.Pixels{Scale: [4]float32{.019384, .0196687, .0195103}, Shift: [4]float32{-2.4290657, -2.4182549, -2.2213931}}
	for c, line := range p.Table() {
		for b, x := range line {
			if want := float32(math.FMA(float64(b), float64(p.Scale[c]), float64(p.Shift[c]))); x != want {
				t.Fatalf("byte %d of channel %d is %v, want %v", b, c, x, want)
			}
		}
	}
}
