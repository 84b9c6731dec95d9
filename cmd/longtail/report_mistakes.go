package main

import (
	"context"
	"fmt"
	"slices"

	"longtail/eval"
	"longtail/eval/report"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/train"

	"github.com/spf13/cobra"
)

// checkpointOf are the checkpoints of results, by the names of package train.
var checkpointOf = map[eval.Which]string{eval.Last: "last", eval.Best: "best", eval.BestByValidation: "best_validation"}

// findMistakes looks at the test images of runs. A run that lacks something for it says so on the page.
func (r *reportOptions) findMistakes(cmd *cobra.Command, runs []*eval.Run, which eval.Which) (all []report.Mistakes, err error) {
	messages := r.messages(cmd)
	devices := map[string]*device.Device{}
	defer func() {
		for _, d := range devices {
			d.Close()
		}
	}()
	open := func(name, precision string) (*device.Device, error) {
		key := name + " " + precision
		if devices[key] == nil {
			d, err := r.opener(messages)(name, precision)
			if err != nil {
				return nil, err
			}
			devices[key] = d
		}
		return devices[key], nil
	}
	for _, found := range runs {
		job := train.EvalJob{Dir: found.Dir, DataDir: r.dataDir, Open: open}
		shown, err := mistakesOf(cmd.Context(), job, checkpointOf[which])
		switch {
		case cmd.Context().Err() != nil:
			return nil, fail.Interrupted("interrupted: no page was written")
		case err != nil:
			first := firstLine(err)
			fmt.Fprintf(messages, "no mistakes of %s: %s\n", printable(found.Name()), printable(first))
			shown.Missing = first
		}
		shown.Run = found.Name()
		all = append(all, shown)
	}
	return all, nil
}

// mistakesOf are the mistakes of one run, for the page.
func mistakesOf(ctx context.Context, job train.EvalJob, checkpoint string) (shown report.Mistakes, err error) {
	m, err := train.FindMistakes(ctx, job, checkpoint, report.PerClass)
	if err != nil {
		return shown, err
	}
	if m.Plain {
		shown.Note = "By the network's own outputs: what the section eval of the run's config does to them is left out."
	}
	for class, worst := range m.Worst {
		if len(worst) == 0 {
			continue
		}
		c := report.ClassOfMistakes{Name: m.ClassNames[class], Wrong: m.Wrong[class], Tested: m.Tested[class]}
		for _, w := range worst {
			name := fmt.Sprintf("test image %d", w.Image)
			if m.Names != nil {
				name = m.Names[w.Image]
			}
			var pixels []byte
			if err := m.Images.Read(w.Image, func(image []byte) { pixels = slices.Clone(image) }); err != nil {
				return shown, err
			}
			c.Images = append(c.Images, report.Mistake{
				Name: name, Predicted: m.ClassNames[w.Predicted], Probability: w.Probability,
				Pixels: pixels, Channels: m.Images.Channels, Height: m.Images.Height, Width: m.Images.Width,
			})
		}
		shown.Classes = append(shown.Classes, c)
	}
	return shown, nil
}
