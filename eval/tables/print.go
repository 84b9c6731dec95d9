package tables

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"longtail/eval"
	"longtail/eval/paper"
	"longtail/internal/fail"
)

// Format is how tables are printed.
type Format string

const (
	Text     Format = ""      // for a terminal
	Markdown Format = "md"    // GitHub's tables
	CSV      Format = "csv"   // of comparisons: one line a cell
	LaTeX    Format = "latex" // with the package booktabs
	JSON     Format = "json"  // of comparisons: everything that is known of each cell
)

// ParseFormat checks a format's name; "text" and "" are the terminal's. An unknown one is a usage error.
func ParseFormat(name string) (Format, error) {
	switch f := Format(name); f {
	case Text, Markdown, CSV, LaTeX, JSON:
		return f, nil
	case "text":
		return Text, nil
	case "markdown":
		return Markdown, nil
	}
	return Text, fail.Usage("--format %s: no such format\nchoose text, md, csv, latex or json", name)
}

// Print writes tables one after the other; width is that of the terminal in characters, for Text. JSON is for comparisons
// only, see PrintComparisons.
func Print(w io.Writer, all []Table, f Format, width int) error {
	for i, t := range all {
		if i > 0 && (f == Text || f == CSV || f == LaTeX) {
			fmt.Fprintln(w)
		}
		var err error
		switch f {
		case Markdown:
			err = t.Markdown(w)
		case CSV:
			err = t.CSV(w)
		case LaTeX:
			err = t.LaTeX(w)
		default:
			err = t.Text(w, width)
		}
		if err != nil {
			return fmt.Errorf("printing the table %q: %w", t.Title, err)
		}
	}
	return nil
}

// PrintComparisons writes comparisons in any format. CSV is one line a cell and JSON one array, both with everything known
// of a cell; the others have the paper's layout.
func PrintComparisons(w io.Writer, all []Comparison, f Format, width int) error {
	switch f {
	case JSON:
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false)
		if err := enc.Encode(all); err != nil {
			return fmt.Errorf("writing JSON: %w", err)
		}
		return nil
	case CSV:
		return writeLong(w, all)
	}
	var layout []Table
	for _, c := range all {
		layout = append(layout, c.Tables()...)
	}
	return Print(w, layout, f, width)
}

// gap stands where a run or a published number is missing.
const gap = "–"

// Tables lays a comparison out as the paper does, a table for each data set: models by imbalance factors, each with the
// columns paper, ours and difference. Below the best class-balanced models stand their loss, beta and gamma.
func (c Comparison) Tables() []Table {
	var all []Table
	for first := 0; first < len(c.Columns); {
		last := first + 1
		for last < len(c.Columns) && c.Columns[last].Dataset == c.Columns[first].Dataset {
			last++
		}
		all = append(all, c.table(first, last))
		first = last
	}
	if len(all) > 0 {
		all[len(all)-1].Notes = c.notes()
	}
	return all
}

func (c Comparison) table(first, last int) Table {
	title := c.Title
	if name := eval.DatasetTitle(c.Columns[first].Dataset); last-first < len(c.Columns) || !strings.HasSuffix(title, name) {
		title += "; " + name
	}
	if c.Setting != "" {
		title += "; runs with " + c.Setting
	}
	t := Table{Title: title, Header: []string{"imbalance factor"}}
	for _, col := range c.Columns[first:last] {
		t.Spans = append(t.Spans, Span{strings.TrimRight(" "+col.Profile, " ") + " " + strconv.FormatFloat(col.Imbalance, 'g', -1, 64) + " ", 3})
		t.Header = append(t.Header, paperColumn, "ours", diffColumn)
	}
	for _, r := range c.Rows {
		line := plain(r.Label)
		for _, e := range r.Entries[first:last] {
			line = append(line, e.cells()...)
		}
		t.Rows = append(t.Rows, line)
		if slices.ContainsFunc(r.Entries, func(e Entry) bool { return e.PaperModel != nil || e.OursModel != nil }) {
			t.Rows = append(t.Rows, r.choice(first, last)...)
		}
	}
	if !c.published() {
		return t.without(func(column int) bool { return t.Header[column] == paperColumn || t.Header[column] == diffColumn })
	}
	return t
}

// Headings of the columns that only the paper's metric has.
const (
	paperColumn = "paper"
	diffColumn  = "diff"
)

func (e Entry) cells() []Cell {
	cells := plain(gap, gap, "")
	if e.Paper != "" {
		cells[0] = Cell{e.Paper.String(), e.PaperBest}
	}
	if e.Ours != nil {
		cells[1] = Cell{compact(*e.Ours), e.OursBest}
	}
	if e.Difference != nil {
		cells[2].Text = fmt.Sprintf("%+.2f", *e.Difference)
	}
	return cells
}

// compact is "29.64±0.21 (3)": mean, deviation and number of seeds.
func compact(s eval.Stat) string {
	if s.N < 2 {
		return fmt.Sprintf("%.2f (%d)", s.Mean, s.N)
	}
	return fmt.Sprintf("%.2f±%.2f (%d)", s.Mean, s.Deviation, s.N)
}

// choice are the lines that say which model a best class-balanced entry is.
func (r Row) choice(first, last int) [][]Cell {
	lines := []struct {
		label string
		of    func(paper.Model) string
	}{
		{"  loss", func(m paper.Model) string { return m.Loss }},
		{"  beta", func(m paper.Model) string { return orGap(m.Beta) }},
		{"  gamma", func(m paper.Model) string {
			if m.Loss == paper.Focal {
				return strconv.FormatFloat(m.Gamma, 'g', -1, 64)
			}
			return gap
		}},
	}
	var rows [][]Cell
	for _, l := range lines {
		row := plain(l.label)
		for _, e := range r.Entries[first:last] {
			texts := []string{"", "", ""}
			for i, m := range []*paper.Model{e.PaperModel, e.OursModel} {
				if m != nil {
					texts[i] = l.of(*m)
				}
			}
			row = append(row, plain(texts...)...)
		}
		rows = append(rows, row)
	}
	return rows
}

func orGap(v float64) string {
	if v == 0 {
		return gap
	}
	return strconv.FormatFloat(v, 'g', -1, 64)
}

// listedGaps is how many single commands a printed table lists; CSV and JSON have all.
const listedGaps = 4

func (c Comparison) notes() []string {
	when := map[eval.Which]string{
		eval.Last:             "at the last step",
		eval.Best:             "at the epoch that was best on the test set: optimistic",
		eval.BestByValidation: "at the epoch that was best on held-out training images",
	}[c.Quoted]
	mark := "; mean±deviation (number of seeds). * or bold: the best of its column."
	if c.published() {
		if c.Quoted == eval.Last {
			when += ", as in the paper"
		}
		mark += " diff: ours minus paper, points."
	}
	notes := []string{"ours: " + c.Metric.Title() + " " + when + mark}
	if c.Adjusted {
		notes = append(notes, adjustedNote)
	}
	if len(c.Deviations) > 0 {
		notes = append(notes, "not the paper's protocol: "+strings.Join(c.Deviations, ", "))
	}
	if c.Others != "" {
		notes = append(notes, c.Others)
	}
	if c.Gaps == 0 {
		return notes
	}
	notes = append(notes, fmt.Sprintf("%d of %d cells have no run.", c.Gaps, c.Cells))
	if c.Sweep != "" {
		notes = append(notes, "to fill them all: "+c.Sweep)
	}
	listed := 0
	for _, r := range c.Rows {
		for _, e := range r.Entries {
			if e.Command != "" && e.Command != c.Sweep && listed < listedGaps {
				listed++
				notes = append(notes, "to fill one: "+e.Command)
			}
		}
	}
	if c.Gaps > listed && listed == listedGaps {
		notes = append(notes, fmt.Sprintf("and %d more: --format csv or json lists a command for each", c.Gaps-listed))
	}
	return notes
}

// writeLong prints one line a cell.
func writeLong(w io.Writer, all []Comparison) error {
	records := [][]string{{"table", "dataset", "imbalance", "row", "paper", "ours", "deviation", "seeds", "difference", "paper_best", "ours_best",
		"paper_model", "ours_model", "held_out", "candidates", "deviations_from_protocol", "command", "metric"}}
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 4, 64) }
	model := func(m *paper.Model) string {
		if m == nil {
			return ""
		}
		return m.String()
	}
	for _, c := range all {
		for _, r := range c.Rows {
			for i, e := range r.Entries {
				ours := []string{"", "", "0"}
				if e.Ours != nil {
					ours = []string{number(e.Ours.Mean), number(e.Ours.Deviation), strconv.Itoa(e.Ours.N)}
				}
				difference, held := "", ""
				if e.Difference != nil {
					difference = number(*e.Difference)
				}
				if e.HeldOut != nil {
					held = number(e.HeldOut.Mean)
				}
				record := []string{c.Name, c.Columns[i].Dataset, strconv.FormatFloat(c.Columns[i].Imbalance, 'g', -1, 64), r.Label,
					e.Paper.String(), ours[0], ours[1], ours[2], difference, strconv.FormatBool(e.PaperBest), strconv.FormatBool(e.OursBest),
					model(e.PaperModel), model(e.OursModel), held, strconv.Itoa(e.Candidates), strings.Join(c.Deviations, "; "), e.Command, string(c.Metric)}
				for k := range record {
					record[k] = Inert(record[k])
				}
				records = append(records, record)
			}
		}
	}
	if err := csv.NewWriter(w).WriteAll(records); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}
