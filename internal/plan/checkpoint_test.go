package plan_test

import (
	"slices"
	"testing"

	"longtail/internal/ops"
	"longtail/internal/plan"
)

// kept is the number of values of four dimensions that the forward pass leaves to the backward pass, images left out.
func kept(p *plan.Program) int {
	turn, values := 0, map[plan.ValueID]bool{}
	made := map[plan.ValueID]int{}
	for i := range p.Steps {
		for _, v := range p.Steps[i].Writes() {
			if made[v] = p.Steps[i].Level; v == p.Logits {
				turn = p.Steps[i].Level
			}
		}
	}
	for i := range p.Steps {
		for _, v := range p.Steps[i].Reads() {
			if level, ok := made[v]; ok && level < turn && p.Steps[i].Level > turn && len(p.Values[v].Shape) == 4 {
				values[v] = true
			}
		}
	}
	return len(values)
}

// Of a network of nine blocks the backward pass reads the sums that are kept, and of the last segment everything: a convolution and a sum for
// each of the stem and the blocks, two convolutions a block, without checkpoints.
func TestCheckpointsKeepSumsAndTheLastSegment(t *testing.T) {
	p := program(t, "resnet20", "subsample", "softmax", 4, true)
	if n := p.Blocks(); n != 8 {
		t.Fatalf("%d blocks before the last", n)
	}
	for every, want := range map[int][2]int{ // kept, repeated
		1: {8 + 2, 1 + 8*2},
		2: {4 + 2, 1 + 8*2},
		3: {2 + 2*2 + 2 + 2, 1 + 6*2},
		8: {1 + 2, 1 + 8*2},
		9: {1 + 9*2 + 8, 0},
	} {
		q := plan.Checkpoint(p, every)
		if got := [2]int{kept(q), q.Repeated()}; got != want {
			t.Errorf("every %d: %v values kept and convolutions repeated, want %v", every, got, want)
		}
		if q.Convolutions() != p.Convolutions() || p.Repeated() != 0 {
			t.Errorf("every %d: %d convolutions, %d before", every, q.Convolutions(), p.Convolutions())
		}
	}
}

// A repeated step has the inputs that it had or repetitions of them, is no sum over the batch, and comes before all that reads it; the results
// are made by the steps that made them.
func TestCheckpointsRepeatImageByImage(t *testing.T) {
	for _, model := range []string{"resnet20", "resnet18", "resnet50"} {
		p := program(t, model, "projection", "focal", 4, true)
		for every := 1; every <= 3; every++ {
			q := plan.Checkpoint(p, every)
			level := map[plan.ValueID]int{}
			for i := range q.Steps {
				s := &q.Steps[i]
				if s.Again && (!plan.IsImageLocal(s) || slices.Contains(q.Results(), s.Out)) {
					t.Errorf("%s, every %d: step %d, %s, is repeated", model, every, i, s.Name())
				}
				for _, v := range s.Reads() {
					base, _ := q.Locate(v)
					if at, made := level[base]; q.Values[base].Role == plan.Temp && (!made || at > s.Level) {
						t.Fatalf("%s, every %d: step %d, %s, reads value %d, which is not made yet", model, every, i, s.Name(), base)
					}
				}
				for _, v := range s.Writes() {
					level[v] = s.Level
					if !plan.IsImageLocal(s) && plan.KindOf(s) != ops.KindNone {
						level[v]++ // it is complete on the next level
					}
				}
			}
			if !slices.Equal(q.Results(), p.Results()) || q.Levels != p.Levels {
				t.Errorf("%s, every %d: other results or levels", model, every)
			}
		}
	}
}

// Programs without a backward pass have nothing to repeat.
func TestNothingToCheckpoint(t *testing.T) {
	p := program(t, "resnet8", "avgpool", "softmax", 4, false)
	if q := plan.Checkpoint(p, 1); q != p || p.Blocks() != 0 {
		t.Errorf("an evaluation of %d blocks is changed", p.Blocks())
	}
}
