package grid

import (
	"testing"
)

func TestDemoSweepHasTwelveRuns(t *testing.T) {
	g, err := Load("../../../configs/sweep_demo.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(g.Runs) != 12 {
		t.Errorf("%d runs, want 2 losses x 3 factors x 2 seeds", len(g.Runs))
	}
}
