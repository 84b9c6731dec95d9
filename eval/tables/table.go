// Package tables puts runs beside the paper and beside each other, and prints the result for a terminal, as Markdown, CSV, LaTeX or JSON.
//
// Three kinds of table have functions of their own. Compare and CompareAll lay runs over a grid of published numbers (package paper), cell
// by cell: the paper's number, the mean of our runs with its deviation, the difference. GroupTable sets groups of runs that differ in
// something else than their seed side by side, and PerClassTable shows one run class by class. A Table is a value of rows and columns that
// Print writes in any Format; numbers are per cent unless a heading says otherwise, and a deviation is that of a sample (n - 1).
//
// LoadExperiment reads a sweep's file, so that the table of configs/paper/table2.yaml has the cells that the sweep trains.
package tables

import (
	"bufio"
	"encoding/csv"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Cell is one field of a table.
type Cell struct {
	Text string
	Best bool // the best of its column: marked
}

// Span is a heading above several columns.
type Span struct {
	Text    string
	Columns int
}

// Table is a table ready to print.
type Table struct {
	Title  string
	Spans  []Span   // above all columns but the first; empty for none
	Header []string // [columns], the first heads the rows' labels
	Rows   [][]Cell // [rows][columns]
	Notes  []string // lines below
}

func plain(texts ...string) []Cell {
	cells := make([]Cell, len(texts))
	for i, t := range texts {
		cells[i].Text = t
	}
	return cells
}

// Text prints the table for a terminal of the given width in columns, the best cells marked with *. A table that is too wide
// is cut between spans (or columns) into blocks below each other; width 0 never cuts.
func (t Table) Text(w io.Writer, width int) error {
	out := bufio.NewWriter(w)
	if t.Title != "" {
		fmt.Fprintln(out, t.Title)
	}
	widths := t.widths()
	for first := 1; first < len(t.Header) || first == 1; {
		last := t.blockEnd(first, width, widths)
		fmt.Fprintln(out)
		t.block(out, first, last, widths)
		first = last
	}
	t.notes(out, "")
	return out.Flush()
}

// notes prints the notes, the first after a blank line and the others after the separator.
func (t Table) notes(out *bufio.Writer, separator string) {
	for i, n := range t.Notes {
		before := separator
		if i == 0 {
			before = "\n"
		}
		out.WriteString(before + n + "\n")
	}
}

// marked is a column's cell with its mark; where one cell has it the others leave room, so that the digits align.
func (t Table) marked(row, column int) string {
	c := t.Rows[row][column]
	switch {
	case c.Best:
		return c.Text + "*"
	case slices.ContainsFunc(t.Rows, func(r []Cell) bool { return r[column].Best }):
		return c.Text + " "
	default:
		return c.Text
	}
}

// widths are those of the columns in characters; a span that is wider than its columns widens its last one.
func (t Table) widths() []int {
	widths := make([]int, len(t.Header))
	for i, h := range t.Header {
		widths[i] = utf8.RuneCountInString(h)
		for row := range t.Rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(t.marked(row, i)))
		}
	}
	at := 1
	for _, s := range t.Spans {
		have := -columnGap
		for _, w := range widths[at : at+s.Columns] {
			have += w + columnGap
		}
		at += s.Columns
		widths[at-1] += max(0, utf8.RuneCountInString(s.Text)-have)
	}
	return widths
}

// columnGap is the number of spaces between columns.
const columnGap = 2

// blockEnd is the column after the last one that fits beside the labels; at least one span or column does.
func (t Table) blockEnd(first, width int, widths []int) int {
	if width <= 0 {
		return len(t.Header)
	}
	steps := t.Spans
	if len(steps) == 0 {
		steps = make([]Span, len(t.Header)-1)
		for i := range steps {
			steps[i].Columns = 1
		}
	}
	used, at, end := widths[0], 1, first
	for _, s := range steps {
		next := at + s.Columns
		if at < first {
			at = next
			continue
		}
		for _, w := range widths[at:next] {
			used += w + columnGap
		}
		if used > width && end > first {
			break
		}
		at, end = next, next
	}
	return max(end, min(first+1, len(t.Header)))
}

func (t Table) block(out *bufio.Writer, first, last int, widths []int) {
	line := func(cells func(i int) string) {
		var b strings.Builder
		b.WriteString(pad(cells(0), widths[0], false))
		for i := first; i < last; i++ {
			b.WriteString(strings.Repeat(" ", columnGap) + pad(cells(i), widths[i], true))
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
	if len(t.Spans) > 0 {
		var b strings.Builder
		b.WriteString(strings.Repeat(" ", widths[0]))
		at := 1
		for _, s := range t.Spans {
			if at >= first && at < last {
				total := -columnGap
				for _, w := range widths[at : at+s.Columns] {
					total += w + columnGap
				}
				b.WriteString(strings.Repeat(" ", columnGap) + center(s.Text, total))
			}
			at += s.Columns
		}
		fmt.Fprintln(out, strings.TrimRight(b.String(), " "))
	}
	line(func(i int) string { return t.Header[i] })
	line(func(i int) string { return strings.Repeat("─", widths[i]) })
	for row := range t.Rows {
		line(func(i int) string { return t.marked(row, i) })
	}
}

func pad(s string, width int, right bool) string {
	fill := strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
	if right {
		return fill + s
	}
	return s + fill
}

// center puts a heading in the middle of a rule; without a heading there is no rule.
func center(s string, width int) string {
	if strings.TrimSpace(s) == "" {
		return strings.Repeat(" ", width)
	}
	free := max(0, width-utf8.RuneCountInString(s))
	return strings.Repeat("─", free/2) + s + strings.Repeat("─", free-free/2)
}

// Markdown prints a GitHub table, the best cells bold.
func (t Table) Markdown(w io.Writer) error {
	out := bufio.NewWriter(w)
	if t.Title != "" {
		fmt.Fprintf(out, "### %s\n\n", t.Title)
	}
	escape := strings.NewReplacer("|", `\|`, "*", `\*`, "\n", " ", "&", "&amp;", "<", "&lt;", ">", "&gt;")
	line := func(cells []string) { fmt.Fprintf(out, "| %s |\n", strings.Join(cells, " | ")) }
	header, rule := t.flatHeader(), make([]string, len(t.Header))
	for i := range header {
		header[i], rule[i] = escape.Replace(header[i]), "---:"
	}
	rule[0] = ":---"
	line(header)
	line(rule)
	for _, r := range t.Rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = escape.Replace(c.Text)
			if c.Best {
				cells[i] = "**" + cells[i] + "**"
			}
		}
		line(cells)
	}
	t.notes(out, "\n")
	fmt.Fprintln(out)
	return out.Flush()
}

// flatHeader puts each span's text before the headings below it.
func (t Table) flatHeader() []string {
	flat := append([]string(nil), t.Header...)
	at := 1
	for _, s := range t.Spans {
		for i := at; i < at+s.Columns; i++ {
			flat[i] = strings.TrimSpace(strings.TrimSpace(s.Text) + " " + flat[i])
		}
		at += s.Columns
	}
	return flat
}

// formula matches what a spreadsheet computes rather than shows; a sign before a digit is a number's.
var formula = regexp.MustCompile(`^([=@\t\r]|[+-]($|[^0-9.]))`)

// Inert is a cell of CSV that no spreadsheet takes for a formula: text that begins like one gets an apostrophe in front.
func Inert(text string) string {
	if !formula.MatchString(text) {
		return text
	}
	return "'" + text
}

// CSV prints the table's cells as they are but for formulas, with one header line.
func (t Table) CSV(w io.Writer) error {
	out := csv.NewWriter(w)
	header := t.flatHeader()
	for i := range header {
		header[i] = Inert(header[i])
	}
	records := [][]string{header}
	for _, r := range t.Rows {
		texts := make([]string, len(r))
		for i, c := range r {
			texts[i] = Inert(c.Text)
		}
		records = append(records, texts)
	}
	if err := out.WriteAll(records); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	return nil
}

// LaTeX prints a table environment for the packages booktabs and graphicx, the best cells bold.
func (t Table) LaTeX(w io.Writer) error {
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "\\begin{table}\n\\centering\n\\caption{%s}\n\\resizebox{\\linewidth}{!}{%%\n\\begin{tabular}{l%s}\n\\toprule\n",
		latex(t.Title), strings.Repeat("r", len(t.Header)-1))
	if len(t.Spans) > 0 {
		for _, s := range t.Spans {
			fmt.Fprintf(out, " & \\multicolumn{%d}{c}{%s}", s.Columns, latex(strings.TrimSpace(s.Text)))
		}
		fmt.Fprintln(out, ` \\`)
		at := 2
		for _, s := range t.Spans {
			fmt.Fprintf(out, "\\cmidrule(lr){%d-%d}", at, at+s.Columns-1)
			at += s.Columns
		}
		fmt.Fprintln(out)
	}
	line := func(n int, cell func(i int) string) {
		cells := make([]string, n)
		for i := range cells {
			cells[i] = cell(i)
		}
		fmt.Fprintf(out, "%s \\\\\n", strings.Join(cells, " & "))
	}
	line(len(t.Header), func(i int) string { return latex(t.Header[i]) })
	fmt.Fprintln(out, `\midrule`)
	for _, r := range t.Rows {
		line(len(r), func(i int) string {
			if r[i].Best {
				return `\textbf{` + latex(r[i].Text) + `}`
			}
			return latex(r[i].Text)
		})
	}
	fmt.Fprintln(out, "\\bottomrule\n\\end{tabular}}")
	for _, n := range t.Notes {
		fmt.Fprintf(out, "%% %s\n", strings.ReplaceAll(n, "\n", " "))
	}
	fmt.Fprintln(out, `\end{table}`)
	return out.Flush()
}

var latexEscapes = strings.NewReplacer(`\`, `\textbackslash{}`, "&", `\&`, "%", `\%`, "$", `\$`, "#", `\#`, "_", `\_`, "{", `\{`, "}", `\}`,
	"~", `\textasciitilde{}`, "^", `\textasciicircum{}`, "±", `$\pm$`, "γ", `$\gamma$`, "β", `$\beta$`, "–", "--", "−", "$-$")

func latex(s string) string { return latexEscapes.Replace(s) }
