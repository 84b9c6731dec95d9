package train_test

import (
	"context"
	"testing"

	"longtail/internal/config"
	"longtail/internal/cpu"
	"longtail/internal/device"
	"longtail/train"
)

// The procedural set must be one on which the tail suffers: at imbalance factor 100, resnet8 with softmax gets the three
// rarest classes wrong far more often than the three most frequent, although a balanced set shows no such gap (package data).
func TestTailSuffersOnSyntheticImages(t *testing.T) {
	if testing.Short() {
		t.Skip("trains for some seconds")
	}
	cfg, err := config.Load("", []string{
		"data.dataset=synthetic10", "data.imbalance=100", "data.max_per_class=500", "model.name=resnet8",
		"train.epochs=10", "train.batch=64", "train.eval_every=0", "out=" + t.TempDir() + "/run",
	})
	if err != nil {
		t.Fatal(err)
	}
	outcome, err := train.Run(context.Background(), train.Job{Config: cfg, Open: func(string, string) (*device.Device, error) {
		return &device.Device{Backend: cpu.New(0), Precision: device.FP32}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	accuracy := outcome.Summary.Last.PerClass
	head := (accuracy[0] + accuracy[1] + accuracy[2]) / 3
	tail := (accuracy[7] + accuracy[8] + accuracy[9]) / 3
	t.Logf("accuracy by class %.2f", accuracy)
	if head-tail < 0.2 || head < 0.4 {
		t.Errorf("the three most frequent classes have accuracy %.2f, the three rarest %.2f: want a gap of 0.20 at least, and a head that was learned", head, tail)
	}
}
