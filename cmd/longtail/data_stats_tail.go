package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"longtail/eval"
)

// tailStats is how uneven the classes are.
type tailStats struct {
	Factor   float64     `json:"factor"`   // images of the most frequent class over those of the rarest one
	Parts    []tailPart  `json:"parts"`    // many, medium and few
	Smallest []tailClass `json:"smallest"` // the rarest classes, at most smallestShown
}

// tailPart is a part of the classes by their images, as in eval.Shots.
type tailPart struct {
	Name    string  `json:"name"`
	Classes int     `json:"classes"`
	Images  int     `json:"images"`
	Share   float64 `json:"share"` // of all images
}

// tailClass is a rare class.
type tailClass struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

const smallestShown = 5

// newTailStats describes training images by class [C]; the factor is 0 where a class has none.
func newTailStats(names []string, counts []int) tailStats {
	var t tailStats
	if least := slices.Min(counts); least > 0 {
		t.Factor = float64(slices.Max(counts)) / float64(least)
	}
	total := 0
	classes := make([]tailClass, len(counts))
	for c, n := range counts {
		total += n
		classes[c] = tailClass{names[c], n}
	}
	for _, p := range eval.Shots(counts, make([]float64, len(counts))) {
		t.Parts = append(t.Parts, tailPart{p.Name, p.Classes, p.Images, float64(p.Images) / float64(max(total, 1))})
	}
	slices.SortStableFunc(classes, func(a, b tailClass) int { return cmp.Compare(a.Count, b.Count) })
	t.Smallest = classes[:min(smallestShown, len(classes))]
	return t
}

func (t *tailStats) print(w io.Writer) error {
	bounds := []string{fmt.Sprintf("over %d", eval.ManyAbove), fmt.Sprintf("%d to %d", eval.FewBelow, eval.ManyAbove), fmt.Sprintf("below %d", eval.FewBelow)}
	fmt.Fprintln(w)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "classes with\timages\tclasses\tof all images\t")
	for i, p := range t.Parts {
		fmt.Fprintf(table, "%s, %s\t%d\t%d\t%.1f %%\t\n", p.Name, bounds[i], p.Images, p.Classes, 100*p.Share)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	var smallest []string
	for _, c := range t.Smallest {
		smallest = append(smallest, fmt.Sprintf("%s %d", c.Name, c.Count))
	}
	_, err := fmt.Fprintf(w, "\nimbalance %.4g: the most frequent class over the rarest; rarest: %s\n", t.Factor, strings.Join(smallest, ", "))
	return err
}
