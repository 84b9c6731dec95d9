package tables

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"longtail/eval"
	"longtail/eval/paper"
	"longtail/internal/fail"

	"go.yaml.in/yaml/v3"
)

// Experiment is what a config file says about the table it is for.
type Experiment struct {
	Path string            // of the file
	Out  string            // folder of its runs; empty where the file does not say
	Base map[string]string // settings shared by all runs, flattened
	Grid *paper.Grid       // the table: one of the paper's, or what the file's grid spans
}

// ParseExperiment reads a sweep's config (base and grid) or a run's. The table it means is, in this order: the top-level key
// `table: NAME` or `figure: N`; the file's own name, where it is that of a table or figure of the paper ("table2.yaml",
// "figure8.yaml"); or the data sets, factors and losses that its grid spans. A file that is not YAML is a usage error.
func ParseExperiment(path string, b []byte) (*Experiment, error) {
	flat, err := eval.FlattenYAML(b)
	if err != nil {
		return nil, fail.Usage("config %s: %w", path, err)
	}
	e := &Experiment{Path: path, Base: map[string]string{}}
	sweep := false
	for k, v := range flat {
		if rest, ok := strings.CutPrefix(k, "base."); ok {
			e.Base[rest] = v
			sweep = true
		}
		sweep = sweep || strings.HasPrefix(k, "grid.")
	}
	if !sweep {
		e.Base = maps.Clone(flat)
	}
	e.Out = cmp.Or(e.Base["out"], flat["out"])
	delete(e.Base, "out")
	if name := hint(flat, path); name != "" {
		if e.Grid, err = paper.Lookup(name); err != nil {
			return nil, fail.Usage("config %s: %w", path, err)
		}
		return e, nil
	}
	e.Grid, err = span(e.Base, b)
	if err != nil {
		return nil, fail.Usage("config %s: %w", path, err)
	}
	return e, nil
}

// hint is the name of the table that a config asks for, or "".
func hint(flat map[string]string, path string) string {
	for _, kind := range []string{"table", "figure"} {
		if v, ok := flat[kind]; ok {
			return kind + strings.TrimPrefix(v, kind)
		}
	}
	stem := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
	if slices.Contains(paper.Names(), stem) {
		return stem
	}
	return ""
}

// maxSpan bounds how many runs a grid may have before it is called a mistake.
const maxSpan = 100000

// span is the grid of data sets, factors and losses that a sweep's runs have.
func span(base map[string]string, b []byte) (*paper.Grid, error) {
	var doc struct {
		Grid map[string][]yaml.Node `yaml:"grid"`
	}
	if err := yaml.Unmarshal(b, &doc); err != nil {
		return nil, fmt.Errorf("reading its grid: %w", err)
	}
	points := []map[string]string{base}
	for _, key := range slices.Sorted(maps.Keys(doc.Grid)) {
		var next []map[string]string
		if len(points)*len(doc.Grid[key]) > maxSpan {
			return nil, fmt.Errorf("its grid has more than %d runs", maxSpan)
		}
		for _, p := range points {
			for _, value := range doc.Grid[key] {
				changes, err := gridValue(key, &value)
				if err != nil {
					return nil, err
				}
				point := maps.Clone(p)
				maps.Copy(point, changes)
				next = append(next, point)
			}
		}
		points = next
	}
	g := &paper.Grid{Name: "grid", Title: "Error (%) of the runs of this config"}
	var models []paper.Model
	for _, p := range points {
		col := paper.Column{Dataset: cmp.Or(p["data.dataset"], "cifar10"), Imbalance: number(p["data.imbalance"], 100)}
		m := paper.NewModel(cmp.Or(p["loss.name"], paper.Softmax), number(p["loss.gamma"], 1), number(p["loss.beta"], 0))
		if !slices.Contains(g.Columns, col) {
			g.Columns = append(g.Columns, col)
		}
		if !slices.Contains(models, m) {
			models = append(models, m)
		}
	}
	slices.SortStableFunc(g.Columns, func(a, b paper.Column) int {
		return cmp.Or(strings.Compare(a.Dataset, b.Dataset), cmp.Compare(b.Imbalance, a.Imbalance))
	})
	return FillGrid(g, models), nil
}

// gridValue is one value of a grid's key as dotted keys; a map below a section's name is several keys at once.
func gridValue(key string, value *yaml.Node) (map[string]string, error) {
	b, err := yaml.Marshal(map[string]*yaml.Node{"v": value})
	if err != nil {
		return nil, fmt.Errorf("its grid's key %s: %w", key, err)
	}
	flat, err := eval.FlattenYAML(b)
	if err != nil {
		return nil, fmt.Errorf("its grid's key %s: %w", key, err)
	}
	out := map[string]string{}
	for k, v := range flat {
		out[key+strings.TrimPrefix(k, "v")] = v
	}
	return out, nil
}

func number(s string, missing float64) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return missing
	}
	return v
}

// defaultOut is where the program puts runs when nobody says otherwise.
const defaultOut = "runs"

// TrainCommand is the command line of one run of a table, with the settings of base that are not the run's own. out is the
// folder of the table's runs.
func TrainCommand(c paper.Column, m paper.Model, base map[string]string, out string) string {
	words := []string{"longtail", "train"}
	own := map[string]bool{"data.dataset": true, "data.imbalance": true, "loss.name": true, "loss.gamma": true, "loss.beta": true}
	for _, k := range slices.Sorted(maps.Keys(base)) {
		if !own[k] && base[k] != "" {
			words = append(words, quote(k+"="+base[k]))
		}
	}
	words = append(words, "data.dataset="+c.Dataset, "data.imbalance="+text(c.Imbalance), "loss.name="+m.Loss)
	name := fmt.Sprintf("%s-if%s-%s", c.Dataset, text(c.Imbalance), m.Loss)
	if m.Loss == paper.Focal {
		words = append(words, "loss.gamma="+text(m.Gamma))
		name += "-g" + text(m.Gamma)
	}
	if m.Balanced() {
		words = append(words, "loss.beta="+text(m.Beta))
		name += "-b" + text(m.Beta)
	}
	if out != "" && filepath.Clean(out) != defaultOut {
		words = append(words, quote("out="+filepath.Join(out, name+"-s"+cmp.Or(base["seed"], "0"))))
	}
	return strings.Join(words, " ")
}

// quote makes a word safe for a shell.
func quote(word string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("=._-/,:+", r)
	}
	if strings.IndexFunc(word, func(r rune) bool { return !safe(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
