package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"longtail/eval/status"
	"longtail/internal/config"
	"longtail/internal/fail"
	"longtail/train/bench"
	"longtail/train/sweep"
)

// speeds are those of the runs in a folder, else those that longtail bench measured on this machine; source says which.
func speeds(ctx context.Context, folder string) (all []sweep.Speed, source string) {
	if _, err := os.Stat(folder); err == nil {
		all = runSpeeds(ctx, folder)
	}
	if len(all) > 0 {
		return all, "runs in " + folder
	}
	for _, r := range bench.Records() {
		all = append(all, sweep.Speed{Model: r.Model, Precision: r.Precision, Device: r.Device, ImagesPS: r.ImagesPS / float64(r.Runs)})
	}
	return all, "measurements of longtail bench"
}

func runSpeeds(ctx context.Context, folder string) (all []sweep.Speed) {
	r, err := status.NewReader(folder, status.Options{})
	if err != nil {
		return nil
	}
	snapshot, err := r.Read(ctx)
	if err != nil {
		return nil
	}
	for _, row := range snapshot.Rows {
		if row.State == status.Done && row.Rate > 0 && row.Device != "" {
			all = append(all, sweep.Speed{Model: row.Model, Precision: row.Precision, Device: row.Device, ImagesPS: row.Rate, EvalShare: row.EvalShare})
		}
	}
	return all
}

// cost is what the runs that are left cost, and where the speed is from.
func (s *sweepOptions) cost(ctx context.Context, folder string, plans []sweep.Plan) (sweep.Estimate, string, error) {
	networks, err := sweep.Networks(plans, s.dataDir)
	if err != nil {
		return sweep.Estimate{}, "", err
	}
	known, source := speeds(ctx, folder)
	return sweep.NewEstimate(plans, networks, known, s.keep == keepLast), source, nil
}

// printCost prints what the runs that are left cost, and where it is not known how to learn it.
func (s *sweepOptions) printCost(ctx context.Context, w io.Writer, folder string, plans []sweep.Plan) error {
	e, source, err := s.cost(ctx, folder, plans)
	if err != nil || e.Images == 0 {
		return err
	}
	room := size(e.Checkpoints) + " of checkpoints"
	if e.Seconds > 0 {
		_, err := fmt.Fprintf(w, "cost: %s of training and tests, one run at a time, at the speed of %d %s (%s); %s\n", shortDuration(e.Seconds), e.Speeds, source, word(e.Device), room)
		return err
	}
	_, err = fmt.Fprintf(w, "cost: %s; the time is not known before a run is done or measured: %s\n", room, fail.CommandLine(benchCommand(plans)))
	return err
}

// benchCommand measures the first run that is left.
func benchCommand(plans []sweep.Plan) []string {
	words := []string{"longtail", "bench"}
	for _, p := range plans {
		if p.Left() == 0 {
			continue
		}
		defaults := config.Defaults()
		for _, key := range []string{"device", "precision", "data.dataset", "model.name", "train.batch"} {
			if v := p.Config.Text(key); v != defaults.Text(key) || key == "model.name" {
				words = append(words, key+"="+v)
			}
		}
		break
	}
	return words
}
