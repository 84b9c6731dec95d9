package tables

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/eval"
	"longtail/eval/evaltest"
	"longtail/eval/paper"
	"longtail/internal/fail"

	"github.com/google/go-cmp/cmp"
)

func load(t *testing.T, specs ...evaltest.Spec) []*eval.Run {
	t.Helper()
	root := t.TempDir()
	for _, s := range specs {
		if _, err := evaltest.Write(root, s); err != nil {
			t.Fatal(err)
		}
	}
	set, err := eval.Load(root)
	if err != nil || len(set.Problems) > 0 {
		t.Fatal(err, set.Problems)
	}
	return set.Runs
}

func lookup(t *testing.T, name string) *paper.Grid {
	t.Helper()
	g, err := paper.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// protocolRun is a run as the paper's.
func protocolRun(s evaltest.Spec) evaltest.Spec {
	s.Epochs = 200
	return s
}

// Every number of the CSV file is printed as it stands there, in every format, with and without runs.
func TestThePapersNumbersAreExact(t *testing.T) {
	for _, name := range paper.Names() {
		g := lookup(t, name)
		for _, runs := range [][]*eval.Run{nil, load(t, protocolRun(evaltest.Spec{}))} {
			for _, format := range []Format{Text, Markdown, CSV, LaTeX, JSON} {
				var b bytes.Buffer
				if err := PrintComparisons(&b, CompareAll(g, runs, Options{}), format, 100); err != nil {
					t.Fatal(err)
				}
				for _, row := range g.Rows {
					for _, c := range row.Cells {
						if !strings.Contains(b.String(), c.Text) {
							t.Errorf("%s as %q lacks %s of %s", name, format, c.Text, row.Label)
						}
					}
				}
			}
		}
	}
}

func TestEachTableNamesItsDataSet(t *testing.T) {
	var out strings.Builder
	if err := PrintComparisons(&out, CompareAll(lookup(t, "table2"), nil, Options{}), Text, 200); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"; CIFAR-10\n", "; CIFAR-100\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no title ends with %q", want)
		}
	}
}

func TestTable2InCSVIsTheFile(t *testing.T) {
	file, err := os.ReadFile("../paper/table2.csv")
	if err != nil {
		t.Fatal(err)
	}
	want, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := PrintComparisons(&b, CompareAll(lookup(t, "table2"), nil, Options{}), CSV, 0); err != nil {
		t.Fatal(err)
	}
	got, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		for j := range 12 {
			if line := got[1+12*i+j]; line[4] != want[i+1][j+1] {
				t.Errorf("%v: want %s", line, want[i+1][j+1])
			}
		}
	}
}

func TestOursBesideThePaper(t *testing.T) {
	runs := load(t,
		protocolRun(evaltest.Spec{Error: 30}), protocolRun(evaltest.Spec{Error: 31, Seed: 1}),
		protocolRun(evaltest.Spec{Loss: "focal", Gamma: 1, Beta: 0.9999, Error: 25, Validation: 27}),
		protocolRun(evaltest.Spec{Loss: "sigmoid", Beta: 0.9999, Error: 26, Validation: 24}),
	)
	all := CompareAll(lookup(t, "table2"), runs, Options{Command: func(c paper.Column, m paper.Model) string { return TrainCommand(c, m, "runs") }})
	if len(all) != 1 {
		t.Fatalf("%d tables of one setting", len(all))
	}
	c := all[0]
	if len(c.Deviations) != 0 || c.Cells != 60 || c.Gaps != 59 {
		t.Errorf("deviations %v, %d of %d cells are gaps", c.Deviations, c.Gaps, c.Cells)
	}
	column := slices.Index(c.Columns, paper.Column{Dataset: "cifar10", Imbalance: 100})
	softmax := c.Rows[0].Entries[column]
	if softmax.Ours == nil || softmax.Ours.N != 2 || softmax.Ours.Deviation == 0 || softmax.Paper != "29.64" {
		t.Fatalf("softmax: %+v", softmax)
	}
	if d := *softmax.Difference - (softmax.Ours.Mean - 29.64); d > 1e-9 || d < -1e-9 {
		t.Errorf("difference %g of %g", *softmax.Difference, softmax.Ours.Mean)
	}
	test, held := c.Rows[5].Entries[column], c.Rows[6].Entries[column]
	if *test.OursModel != (paper.Model{Loss: "focal", Gamma: 1, Beta: 0.9999}) || test.Candidates != 2 || !test.OursBest || !test.PaperBest {
		t.Errorf("best on test: %+v", test)
	}
	if *held.OursModel != (paper.Model{Loss: "sigmoid", Beta: 0.9999}) || held.HeldOut.Mean != 24 || held.Ours.Mean <= test.Ours.Mean {
		t.Errorf("best on held-out: %+v", held)
	}
	if got := c.Rows[2].Entries[column].Command; got != "longtail train data.dataset=cifar10 data.imbalance=100 loss.name=focal loss.gamma=0.5" {
		t.Errorf("command %q", got)
	}
	if test.Command != "" || softmax.Command != "" {
		t.Error("a filled cell has a command")
	}
}

func TestRunsOfOtherSettingsHaveTablesOfTheirOwn(t *testing.T) {
	runs := load(t, protocolRun(evaltest.Spec{}), evaltest.Spec{Seed: 1}, evaltest.Spec{Dataset: "synthetic10"})
	all := CompareAll(lookup(t, "table2"), runs, Options{})
	var got []string
	for _, c := range all {
		got = append(got, c.Name+"|"+c.Setting+"|"+strings.Join(c.Deviations, ";"))
	}
	want := []string{
		"table2|train.epochs 200|",
		"table2|train.epochs 8|train.epochs 8 (paper 200)",
		"runs||train.epochs 8 (paper 200)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	cosine := CompareAll(lookup(t, "table2"), load(t, evaltest.Spec{Extra: "train.schedule: cosine\n"}), Options{})
	if d := cmp.Diff([]string{"train.epochs 8 (paper 200)", "train.schedule cosine (paper step)"}, cosine[0].Deviations); d != "" {
		t.Error(d)
	}
	loss := CompareAll(lookup(t, "table2"), load(t, protocolRun(evaltest.Spec{Beta: 0.99}), protocolRun(evaltest.Spec{Seed: 1, Beta: 0.99, Extra: "loss.divisor: weights\n"})), Options{})
	if d := cmp.Diff([]string{"loss.divisor weights (not in the paper)"}, loss[1].Deviations); d != "" || len(loss[0].Deviations) != 0 {
		t.Error(d, loss[0].Deviations)
	}
	if n := len(all[1].Columns); n != 1 {
		t.Errorf("the second table has %d columns, want the one with runs", n)
	}
	if only := CompareAll(lookup(t, "table2"), runs[2:], Options{}); len(only) != 1 || only[0].Name != "runs" {
		t.Errorf("runs of other data alone: %d tables", len(only))
	}
}

// The paper's best is of all its models, even where the table has only some of them.
func TestThePapersBestDoesNotDependOnTheRuns(t *testing.T) {
	runs := load(t, protocolRun(evaltest.Spec{Imbalance: 50, Loss: "focal", Gamma: 1, Beta: 0.9999}), protocolRun(evaltest.Spec{Dataset: "cifar20", Imbalance: 50}))
	c := Compare(Found(runs), Setting{Runs: runs}, Options{})
	best := c.Rows[len(c.Rows)-2]
	if best.Choice != "test" || best.Entries[0].Paper != "20.73" || best.Entries[1].Paper != "44.75" {
		t.Errorf("%+v", best)
	}
}

func TestBalancedColumnTakesPlainModels(t *testing.T) {
	runs := load(t, protocolRun(evaltest.Spec{Imbalance: 1, Error: 7}))
	c := CompareAll(lookup(t, "table2"), runs, Options{})[0]
	e := c.Rows[5].Entries[5]
	if e.OursModel == nil || *e.OursModel != (paper.Model{Loss: "softmax"}) || e.Paper != "6.36" {
		t.Errorf("%+v", e)
	}
}

func TestJSONIsReadableAndExact(t *testing.T) {
	var b bytes.Buffer
	if err := PrintComparisons(&b, CompareAll(lookup(t, "figure8"), nil, Options{}), JSON, 0); err != nil {
		t.Fatal(err)
	}
	var back []Comparison
	d := json.NewDecoder(&b)
	d.UseNumber()
	if err := d.Decode(&back); err != nil {
		t.Fatal(err)
	}
	if len(back) != 1 || back[0].Rows[0].Entries[0].Paper != "34.32" || back[0].Rows[0].Entries[0].Ours != nil {
		t.Errorf("%+v", back[0].Rows[0])
	}
}

func example() Table {
	return Table{
		Title:  "T & co",
		Spans:  []Span{{" 100 ", 2}, {" 50 ", 2}},
		Header: []string{"loss", "paper", "ours", "paper", "ours"},
		Rows: [][]Cell{
			{{Text: "focal γ=1"}, {Text: "29.64"}, {Text: "30.10±0.20 (3)", Best: true}, {Text: "25.19"}, {Text: "–"}},
			{{Text: "a|b_c"}, {Text: "9.5", Best: true}, {Text: "31"}, {Text: "1"}, {Text: "2"}},
		},
		Notes: []string{"note"},
	}
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		format Format
		width  int
		want   string
	}{
		{Text, 0, `
T & co

           ───────── 100 ─────────  ─── 50 ────
loss        paper             ours  paper  ours
─────────  ──────  ───────────────  ─────  ────
focal γ=1  29.64   30.10±0.20 (3)*  25.19     –
a|b_c        9.5*              31       1     2

note
`},
		{Markdown, 0, `
### T & co

| loss | 100 paper | 100 ours | 50 paper | 50 ours |
| :--- | ---: | ---: | ---: | ---: |
| focal γ=1 | 29.64 | **30.10±0.20 (3)** | 25.19 | – |
| a\|b_c | **9.5** | 31 | 1 | 2 |

note

`},
		{CSV, 0, `
loss,100 paper,100 ours,50 paper,50 ours
focal γ=1,29.64,30.10±0.20 (3),25.19,–
a|b_c,9.5,31,1,2
`},
		{LaTeX, 0, `
\begin{table}
\centering
\caption{T \& co}
\resizebox{\linewidth}{!}{%
\begin{tabular}{lrrrr}
\toprule
 & \multicolumn{2}{c}{100} & \multicolumn{2}{c}{50} \\
\cmidrule(lr){2-3}\cmidrule(lr){4-5}
loss & paper & ours & paper & ours \\
\midrule
focal $\gamma$=1 & 29.64 & \textbf{30.10$\pm$0.20 (3)} & 25.19 & -- \\
a|b\_c & \textbf{9.5} & 31 & 1 & 2 \\
\bottomrule
\end{tabular}}
% note
\end{table}
`},
	} {
		var b strings.Builder
		if err := Print(&b, []Table{example()}, c.format, c.width); err != nil {
			t.Fatal(err)
		}
		want := strings.TrimPrefix(c.want, "\n")
		if d := cmp.Diff(want, b.String()); d != "" {
			t.Errorf("%s: %s", c.format, d)
		}
	}
}

func TestTextFitsTheTerminal(t *testing.T) {
	for _, width := range []int{40, 80, 120} {
		var b strings.Builder
		if err := PrintComparisons(&b, CompareAll(lookup(t, "table2"), nil, Options{}), Text, width); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			table := strings.Contains(line, "softmax  ") || strings.HasPrefix(line, "imbalance factor")
			if n := len([]rune(strings.TrimRight(line, "\n"))); table && n > max(width, 45) {
				t.Errorf("width %d: a line of %d: %s", width, n, line)
			}
		}
	}
}

func TestGroupsTable(t *testing.T) {
	runs := load(t,
		protocolRun(evaltest.Spec{}), protocolRun(evaltest.Spec{Seed: 1, Error: 31}),
		protocolRun(evaltest.Spec{Loss: "focal", Gamma: 1, Beta: 0.9999, Error: 25, Validation: 24}))
	g := eval.GroupRuns(runs)
	rows := Groups(g)
	if len(rows) != 2 || rows[0].Seeds != 2 || rows[0].Paper != "29.64" || rows[1].BestByValidation == nil || rows[0].BestByValidation != nil {
		t.Fatalf("%+v", rows)
	}
	table := GroupTable(g)
	if slices.Contains(table.Header, "few") {
		t.Error("a column without any number is shown")
	}
	last := slices.Index(table.Header, "last")
	if table.Rows[0][last].Best || !table.Rows[1][last].Best {
		t.Error("the smaller error is not marked")
	}
	head, tail := slices.Index(table.Header, "head"), slices.Index(table.Header, "tail")
	if !table.Rows[0][head].Best || !table.Rows[1][tail].Best {
		t.Error("the larger accuracy is not marked")
	}
	total := 1
	for _, s := range table.Spans {
		total += s.Columns
	}
	if total != len(table.Header) {
		t.Errorf("spans cover %d of %d columns", total, len(table.Header))
	}
	for _, f := range []Format{Text, Markdown, CSV, LaTeX, JSON} {
		var b strings.Builder
		if err := PrintGroups(&b, g, f, 80); err != nil || !strings.Contains(b.String(), "CB focal") && f != LaTeX {
			t.Errorf("%q: %v\n%s", f, err, &b)
		}
	}
}

// loadExperiment reads a text as a file of that name.
func loadExperiment(t testing.TB, name, text string, overrides ...string) (*Experiment, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return LoadExperiment(path, overrides)
}

func TestExperiments(t *testing.T) {
	sweep := "base:\n  out: results\n  train: {epochs: 12}\n  data: {dataset: synthetic10}\ngrid:\n  data.imbalance: [100, 10]\n  loss: [{name: softmax}, {name: focal, gamma: 1, beta: 0.9999}]\n  seed: [0, 1]\n"
	for _, c := range []struct{ name, text, grid, out string }{
		{"table2.yaml", "grid:\n  seed: [0]\n", "table2", "runs"},
		{"figure9.yml", "base: {out: a}\ngrid: {seed: [0]}\n", "figure9", "a"},
		{"mine.yaml", "table: table2\nbase: {out: b}\ngrid: {seed: [0]}\n", "table2", "b"},
		{"mine.yaml", "figure: 10\ngrid: {seed: [0]}\n", "figure10", "runs"},
		{"mine.yaml", sweep, "grid", "results"},
		{"mine.yaml", "loss.beta: 0.9\nout: here\n", "grid", "here"},
	} {
		e, err := loadExperiment(t, c.name, c.text)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if e.Grid.Name != c.grid || e.Out != c.out {
			t.Errorf("%s %q: table %s, out %q", c.name, c.text, e.Grid.Name, e.Out)
		}
	}
	e, err := loadExperiment(t, "mine.yaml", sweep, "out=there", "grid.data.imbalance=[50, 20]")
	if err != nil {
		t.Fatal(err)
	}
	want := []paper.Column{{Dataset: "synthetic10", Imbalance: 50}, {Dataset: "synthetic10", Imbalance: 20}}
	if d := cmp.Diff(want, e.Grid.Columns); d != "" || e.Out != "there" {
		t.Error(d, e.Out)
	}
	if len(e.Grid.Rows) != 2 || e.Grid.Rows[1].Model != (paper.Model{Loss: "focal", Gamma: 1, Beta: 0.9999}) {
		t.Errorf("%+v", e.Grid.Rows)
	}
	for _, bad := range []string{"[", "table: table9\ngrid: {seed: [0]}\n", "grid: 3\n", "grid:\n  x: 3\n", "loss.betta: 1\n"} {
		if _, err := loadExperiment(t, "a.yaml", bad); fail.Code(err) != fail.CodeUsage {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestTrainCommand(t *testing.T) {
	got := TrainCommand(paper.Column{Dataset: "cifar100", Imbalance: 50}, paper.Model{Loss: "focal", Gamma: 0.5, Beta: 0.999}, "my runs")
	want := "longtail train data.dataset=cifar100 data.imbalance=50 loss.name=focal loss.beta=0.999 loss.gamma=0.5 'out=my runs/cifar100-if50-focal-g0.5-b0.999-s0'"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

func TestParseFormat(t *testing.T) {
	for in, want := range map[string]Format{"": Text, "text": Text, "md": Markdown, "markdown": Markdown, "csv": CSV, "latex": LaTeX, "json": JSON} {
		if got, err := ParseFormat(in); got != want || err != nil {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if _, err := ParseFormat("pdf"); fail.Code(err) != fail.CodeUsage {
		t.Errorf("pdf: %v", err)
	}
}

func TestCellsAreNoFormulasAndNoHTML(t *testing.T) {
	table := Table{Header: []string{"run", "=1+1"}, Rows: [][]Cell{plain(`=HYPERLINK("http://x")`, "-0.43"), plain("<img src=x>", "@a")}}
	var csv, md strings.Builder
	if err := errors.Join(table.CSV(&csv), table.Markdown(&md)); err != nil {
		t.Fatal(err)
	}
	if want := "run,'=1+1\n\"'=HYPERLINK(\"\"http://x\"\")\",-0.43\n<img src=x>,'@a\n"; csv.String() != want {
		t.Errorf("%q, want %q", csv.String(), want)
	}
	if strings.Contains(md.String(), "<img") || !strings.Contains(md.String(), "&lt;img src=x&gt;") {
		t.Error(md.String())
	}
}
