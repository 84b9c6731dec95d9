package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"longtail/data"
	"longtail/internal/config"
	"longtail/train"
)

// epochStats is what one epoch holds on average where a sampler draws with replacement.
type epochStats struct {
	Epoch    int       `json:"epoch"`    // counted from 1
	Images   []float64 `json:"images"`   // [C] drawn
	Times    []float64 `json:"times"`    // [C] that each image is seen
	Distinct float64   `json:"distinct"` // images seen at all, of all classes
}

// resampled are the first epoch that the config's sampler draws and, where its probabilities change until then, the last; none for
// permutations and for samplers that have no probabilities.
func resampled(cfg *config.Config, counts []int) ([]epochStats, error) {
	from, repeats := cfg.Sampling().Repeats()
	if !repeats || !data.HasProbabilities(cfg.Data.Sampler) || cfg.Data.Sampler == data.Instance {
		return nil, nil
	}
	var all []epochStats
	var first []float64
	last := max(from, int(math.Ceil(cfg.Train.Epochs))-1)
	for _, epoch := range []int{from, last} {
		p, err := data.ClassProbabilities(cfg.Data.Sampler, data.ClassDraw{Counts: counts, Epoch: epoch, Epochs: cfg.Train.Epochs, Beta: cfg.Data.SamplerBeta})
		if err != nil {
			return nil, err
		}
		if first != nil && equalShares(p, first) {
			break
		}
		first = p
		e := data.Expect(p, counts)
		s := epochStats{Epoch: epoch + 1, Images: e.Drawn, Times: e.Times}
		for _, n := range e.Distinct {
			s.Distinct += n
		}
		all = append(all, s)
	}
	return all, nil
}

func equalShares(a, b []float64) bool {
	for c := range a {
		if math.Abs(a[c]-b[c]) > 1e-12 {
			return false
		}
	}
	return true
}

// printEpochs shows the epochs beside each other, a line a class.
func (s *stats) printEpochs(w io.Writer) error {
	for _, e := range s.Epochs {
		fmt.Fprintf(w, "\nepoch %d by data.sampler=%s: %d draws, %.0f distinct images\n", e.Epoch, s.sampler, s.Total, e.Distinct)
	}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "class\tname\t")
	for _, e := range s.Epochs {
		fmt.Fprintf(table, "images in epoch %d\ttimes each\t", e.Epoch)
	}
	fmt.Fprintln(table)
	for c, class := range s.Classes {
		fmt.Fprintf(table, "%d\t%s\t", class.Class, class.Name)
		for _, e := range s.Epochs {
			fmt.Fprintf(table, "%.1f\t%.2f\t", e.Images[c], e.Times[c])
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// orderStats is what the authors' order does to the first two epochs, after which their stream starts anew.
type orderStats struct {
	Shares  [][]float64 `json:"shares"`  // [orderParts][C] share of each class in parts of the first epoch, one after the other
	Undrawn []int       `json:"undrawn"` // [C] images that the first two epochs do not show
}

const orderParts = 5

// authorsOrder draws the first two epochs of a run in the authors' order; nil for another order. It reads the labels.
func authorsOrder(ctx context.Context, cfg *config.Config, spec data.Spec, classes int) (*orderStats, error) {
	if cfg.Data.Order != data.AuthorsOrder {
		return nil, nil
	}
	labels, files, err := data.TrainLabels(ctx, spec)
	if err != nil {
		return nil, err
	}
	stream, err := train.NewStream(cfg, labels, classes, files)
	if err != nil {
		return nil, err
	}
	n := len(labels)
	order, err := stream.Take(0, 2*n/cfg.Train.Batch*cfg.Train.Batch)
	if err != nil {
		return nil, err
	}
	o := &orderStats{Undrawn: make([]int, classes)}
	for part := range orderParts {
		images := order[part*n/orderParts : (part+1)*n/orderParts]
		share := make([]float64, classes)
		for _, image := range images {
			share[labels[image]] += 1 / float64(len(images))
		}
		o.Shares = append(o.Shares, share)
	}
	seen := make([]bool, n)
	for _, image := range order {
		seen[image] = true
	}
	for image, was := range seen {
		if !was {
			o.Undrawn[labels[image]]++
		}
	}
	return o, nil
}

// printOrder shows the shares of the parts, a line a class.
func (s *stats) printOrder(w io.Writer) error {
	fmt.Fprintf(w, "\nthe first epoch in data.order=authors, in %d parts one after the other, and images that two epochs do not show:\n\n", orderParts)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "class\tname\tshare\t")
	for part := range orderParts {
		fmt.Fprintf(table, "part %d\t", part+1)
	}
	fmt.Fprintln(table, "not shown\t")
	for c, class := range s.Classes {
		fmt.Fprintf(table, "%d\t%s\t%.2f %%\t", class.Class, class.Name, 100*float64(class.Count)/float64(s.Total))
		for part := range orderParts {
			fmt.Fprintf(table, "%.2f %%\t", 100*s.Order.Shares[part][c])
		}
		fmt.Fprintf(table, "%d\t\n", s.Order.Undrawn[c])
	}
	return table.Flush()
}
