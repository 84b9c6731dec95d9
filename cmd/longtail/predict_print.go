package main

import (
	"cmp"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"

	"longtail/eval/tables"
)

// printer prints answers as they come.
type printer struct {
	form    answerForm
	w       io.Writer
	names   []string  // [N] of the images
	classes []string  // [C]
	top     int       // classes of an answer
	least   []float64 // [C] probability from which a class is an answer
}

// answer is what is printed of an image.
type answer struct {
	File   string     `json:"file"`
	Answer *string    `json:"answer"` // nil: unsure, or not looked at
	Top    []probable `json:"top,omitempty"`
	Error  string     `json:"error,omitempty"`
}

// probable is a class with its probability.
type probable struct {
	Class       string  `json:"class"`
	Label       int     `json:"label"`
	Probability float64 `json:"probability"`
}

// answerForm is a way to print answers.
type answerForm interface {
	begin(p *printer) error
	print(p *printer, a answer) error
}

func (p *printer) begin() error { return p.form.begin(p) }

// answer prints image i.
func (p *printer) answer(i int, probabilities []float64) error {
	order := make([]int, len(probabilities))
	for c := range order {
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(probabilities[b], probabilities[a]) })
	a := answer{File: p.names[i]}
	for _, c := range order[:p.top] {
		a.Top = append(a.Top, probable{p.classes[c], c, probabilities[c]})
	}
	if best := a.Top[0]; best.Probability >= p.least[best.Label] {
		a.Answer = &best.Class
	}
	return p.form.print(p, a)
}

// bad prints that image i cannot be looked at.
func (p *printer) bad(i int, err error) error {
	return p.form.print(p, answer{File: p.names[i], Error: err.Error()})
}

// textAnswers are lines for people.
type textAnswers struct{}

func (textAnswers) begin(*printer) error { return nil }

// widestName is up to where the names of images are aligned.
const widestName = 40

func (textAnswers) print(p *printer, a answer) error {
	if a.Error != "" {
		return nil // it stands on stderr
	}
	name := fileName(a.File)
	line := fmt.Sprintf("%s%*s", name, max(widestName-utf8.RuneCountInString(name), 0), "")
	if a.Answer == nil {
		line += "  unsure:"
	}
	for i, c := range a.Top {
		if i > 0 {
			line += ","
		}
		line += fmt.Sprintf("  %s %.1f %%", printable(c.Class), 100*c.Probability)
	}
	_, err := fmt.Fprintln(p.w, line)
	return err
}

// jsonAnswers are an object a line.
type jsonAnswers struct{}

func (jsonAnswers) begin(*printer) error { return nil }

func (jsonAnswers) print(p *printer, a answer) error { return json.NewEncoder(p.w).Encode(a) }

// csvAnswers are a table with a header, in which no spreadsheet finds a formula.
type csvAnswers struct{}

func (csvAnswers) begin(p *printer) error {
	header := []string{"file", "answer", "class", "probability"}
	for k := 2; k <= p.top; k++ {
		header = append(header, fmt.Sprintf("class_%d", k), fmt.Sprintf("probability_%d", k))
	}
	return writeCSV(p.w, append(header, "error"))
}

func (csvAnswers) print(p *printer, a answer) error {
	record := []string{tables.Inert(a.File), ""}
	if a.Answer != nil {
		record[1] = tables.Inert(*a.Answer)
	}
	for k := range p.top {
		class, probability := "", ""
		if k < len(a.Top) {
			class, probability = tables.Inert(a.Top[k].Class), strconv.FormatFloat(a.Top[k].Probability, 'f', 6, 64)
		}
		record = append(record, class, probability)
	}
	return writeCSV(p.w, append(record, tables.Inert(a.Error)))
}

func writeCSV(w io.Writer, record []string) error {
	out := csv.NewWriter(w)
	if err := out.Write(record); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	out.Flush()
	return out.Error()
}
