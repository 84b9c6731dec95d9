package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"longtail/data"
	"longtail/internal/config"
	"longtail/loss"

	"github.com/spf13/cobra"
)

// statsOptions has no flags of its own.
type statsOptions struct{ *options }

func newStatsCommand(o *options) *cobra.Command {
	s := &statsOptions{o}
	return &cobra.Command{
		Use:   "stats [CONFIG] [key=value ...]",
		Short: "Images, effective number and weight of each class",
		Long: `Shows how many training images each class has in the subset that a config asks for, their effective number
(1 - beta^n) / (1 - beta), and the weight that the loss gives the class; the shares of classes with many, medium and few images, and
the rarest ones; where data.sampler draws with replacement, how many images
of the class an epoch shows and how often each of them; with data.order=authors, how the classes are spread over the first
epoch. No image is read, unless data.split_file names a list of images or the order is the authors'.

Exit codes: 0 done, 2 a bad config, key or value, 4 a split file missing or damaged.`,
		Example: "  longtail data stats data.dataset=cifar10 data.imbalance=50 loss.beta=0.9999\n  longtail data stats data.sampler=class data.resample_from=160",
		RunE:    func(cmd *cobra.Command, args []string) error { return s.run(cmd, args) },
	}
}

func (s *statsOptions) run(cmd *cobra.Command, args []string) error {
	cfg, err := config.Load(splitArgs(args))
	if err != nil {
		return err
	}
	stats, err := newStats(cmd.Context(), cfg, s.dataDir)
	if err != nil {
		return err
	}
	if s.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(stats)
	}
	return stats.print(cmd.OutOrStdout())
}

// stats describes the training images of a config.
type stats struct {
	Dataset   string       `json:"dataset"`
	Imbalance float64      `json:"imbalance"`
	Profile   string       `json:"profile"`
	SplitFile string       `json:"split_file,omitempty"` // where it is named it decides, not factor and profile
	Total     int          `json:"total"`
	Classes   []classStats `json:"classes"`
	Split     string       `json:"split,omitempty"`  // data.split, where it is not seed
	Epochs    []epochStats `json:"epochs,omitempty"` // of a sampler that draws with replacement
	Order     *orderStats  `json:"order,omitempty"`  // of data.order=authors
	Tail      tailStats    `json:"tail"`
	Test      int          `json:"test"` // test images
	Side      int          `json:"side"` // rows of an image
	beta      float64
	sampler   string
}

// classStats is one class of stats.
type classStats struct {
	Class     int     `json:"class"`
	Name      string  `json:"name"`
	Count     int     `json:"count"`     // training images
	Effective float64 `json:"effective"` // their effective number
	Weight    float64 `json:"weight"`    // in the loss; the weights sum to the number of classes
}

func newStats(ctx context.Context, cfg *config.Config, dir string) (*stats, error) {
	spec := cfg.DataSpec()
	spec.Dir = dir
	counts, err := data.Counts(spec)
	if err != nil {
		return nil, err
	}
	set, err := data.Lookup(spec.Dataset)
	if err != nil {
		return nil, err
	}
	names := set.Classes
	s := &stats{Dataset: spec.Dataset, Side: set.Height, Test: data.TestCount(spec, set), Imbalance: spec.Imbalance, Profile: spec.Profile, SplitFile: spec.SplitFile, beta: cfg.Loss.Beta, sampler: cfg.Data.Sampler}
	if spec.Draw != data.SeedDraw {
		s.Split = spec.Draw
	}
	weights, err := loss.WeightsOf(cfg.Loss.Weights, counts, s.beta)
	if err != nil {
		return nil, err
	}
	for c, n := range counts {
		s.Total += n
		s.Classes = append(s.Classes, classStats{c, names[c], n, loss.EffectiveNumber(n, s.beta), weights[c]})
	}
	if s.Epochs, err = resampled(cfg, counts); err != nil {
		return nil, err
	}
	s.Tail = newTailStats(names, counts)
	s.Order, err = authorsOrder(ctx, cfg, spec, len(counts))
	return s, err
}

// print shows a table with a bar for each class, as long as its count against the largest.
func (s *stats) print(w io.Writer) error {
	subset := fmt.Sprintf("imbalance %v (%s)", s.Imbalance, s.Profile)
	if s.Imbalance == data.Natural {
		subset = "natural classes"
	}
	if s.Split != "" {
		subset += ", drawn as by " + s.Split
	}
	if s.SplitFile != "" {
		subset = "the images of " + s.SplitFile
	}
	fmt.Fprintf(w, "%s, %s: %d training images, beta %v\n\n", s.Dataset, subset, s.Total, s.beta)
	largest := slices.MaxFunc(s.Classes, func(a, b classStats) int { return a.Count - b.Count }).Count
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "class\tname\timages\teffective\tweight\t")
	for _, c := range s.Classes {
		fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%.4f\t  %s\n", c.Class, c.Name, c.Count, strconv.FormatFloat(c.Effective, 'f', 1, 64), c.Weight, bar(c.Count, largest))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if err := s.Tail.print(w); err != nil {
		return err
	}
	fmt.Fprintf(w, "%d test images; all images have %d x %[2]d pixels\n", s.Test, s.Side)
	if s.Epochs != nil {
		if err := s.printEpochs(w); err != nil {
			return err
		}
	}
	if s.Order != nil {
		return s.printOrder(w)
	}
	return nil
}

const statsBarWidth = 40

// bar is n of largest as a bar in eighths of a letter, at least the thinnest one where n > 0.
func bar(n, largest int) string {
	eighths := 8 * statsBarWidth * n / max(largest, 1)
	if n > 0 {
		eighths = max(eighths, 1)
	}
	full := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		full += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return full
}
