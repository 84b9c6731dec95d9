package main

import (
	"fmt"
	"io"
	"text/tabwriter"

	"longtail/eval"
	"longtail/internal/posthoc"
)

// titles are the checkpoints in words.
var titles = map[string]string{"last": "last", "best": "best on the test set", "best_validation": "best on the held-out images"}

// line is a checkpoint, or a checkpoint after a method, as a line of a table.
type line struct {
	title string
	evalResult
}

// lines are the checkpoints, each followed by what the methods made of it.
func (r evalReport) lines() []line {
	var all []line
	for _, x := range r.Results {
		all = append(all, line{titles[x.Checkpoint], x})
		for _, a := range x.Adjusted {
			all = append(all, line{a.title(), a.evalResult})
		}
	}
	return all
}

// title is the method in words, with its tau and how that was chosen.
func (a evalAdjusted) title() string {
	text := map[posthoc.Method]string{posthoc.Adjust: "logits adjusted", posthoc.Normalise: "tau-normalised", posthoc.NCM: "nearest class mean"}[a.Method]
	if a.Tau != nil {
		text += fmt.Sprintf(", tau %g", *a.Tau)
	}
	if a.Auto {
		text += " (chosen)"
	}
	return text
}

func (r evalReport) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, "checkpoint\tepoch\terror\taccuracy\tloss\t")
	for _, p := range append(r.Results[0].Shots, r.Results[0].Thirds...) {
		fmt.Fprintf(w, "%s (%d)\t", p.Name, p.Classes)
	}
	fmt.Fprintln(w)
	for _, x := range r.lines() {
		loss := fmt.Sprintf("%.4f", x.Loss)
		if x.ECE == nil { // scores that are no logits have neither
			loss = "-"
		}
		fmt.Fprintf(w, "%s\t%.4g\t%.2f %%\t%.2f %%\t%s\t", x.title, x.Epoch, 100*x.Error, 100*x.Accuracy, loss)
		for _, p := range append(x.Shots, x.Thirds...) {
			if p.Classes == 0 {
				fmt.Fprint(w, "-\t")
				continue
			}
			fmt.Fprintf(w, "%.2f %%\t", 100*(1-p.Accuracy))
		}
		fmt.Fprintln(w)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := r.printMetrics(out); err != nil {
		return err
	}
	fmt.Fprint(out, "\nerrors of parts are means over their classes (in brackets how many):\nmany, medium and few have more than 100, 20 to 100 and fewer than 20 training images\n"+
		"geometric mean: of the recalls of the classes; ECE: expected calibration error of the top probability, 15 bins\n")
	r.printChoices(out)
	fmt.Fprintln(out)
	if err := r.printClasses(out); err != nil {
		return err
	}
	if len(r.Results[0].Confusion) == 0 { // of too many classes for a table
		return nil
	}
	fmt.Fprintf(out, "\nconfusion matrix, %s checkpoint\n", titles[r.Results[0].Checkpoint])
	return eval.WriteConfusion(out, r.ClassNames, r.Results[0].Confusion)
}

// printMetrics prints the numbers besides the error.
func (r evalReport) printMetrics(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "checkpoint\tbalanced accuracy\tgeometric mean\tmacro F1\tECE\t")
	for _, x := range r.lines() {
		ece := "-"
		if x.ECE != nil {
			ece = fmt.Sprintf("%.2f %%", 100**x.ECE)
		}
		fmt.Fprintf(w, "%s\t%.2f %%\t%.2f %%\t%.2f %%\t%s\t\n", x.title, 100*x.Balanced, 100*x.GMean, 100*x.MacroF1, ece)
	}
	return w.Flush()
}

// printChoices says which tau was chosen, and by what.
func (r evalReport) printChoices(out io.Writer) {
	for _, x := range r.Results {
		for _, a := range x.Adjusted {
			if a.HeldOut != nil {
				fmt.Fprintf(out, "%s, %s checkpoint: of 0, 0.1 to 2, by its balanced accuracy of %.2f %% on the held-out images\n", a.title(), titles[x.Checkpoint], 100**a.HeldOut)
			}
		}
	}
}

// printClasses prints the accuracy of each class: of the checkpoints, and of the first one after each method.
func (r evalReport) printClasses(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	columns := r.lines()[:1+len(r.Results[0].Adjusted)]
	for _, x := range r.Results[1:] {
		columns = append(columns, line{titles[x.Checkpoint], x})
	}
	fmt.Fprint(w, "class\tname\ttraining images\t")
	for _, x := range columns {
		fmt.Fprintf(w, "accuracy, %s\t", x.title)
	}
	fmt.Fprintln(w)
	for c, name := range r.ClassNames {
		fmt.Fprintf(w, "%d\t%s\t%d\t", c, name, r.Counts[c])
		for _, x := range columns {
			fmt.Fprintf(w, "%.2f %%\t", 100*x.PerClass[c])
		}
		fmt.Fprintln(w)
	}
	return w.Flush()
}
