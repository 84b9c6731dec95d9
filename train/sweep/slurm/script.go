package slurm

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"time"

	"longtail/internal/build"
	"longtail/internal/config/grid"
	"longtail/internal/fail"
)

// batch is what a script is made of.
type batch struct {
	Grid     *grid.Grid
	Program  []string
	Elements [][]string // folders of the runs of each element
	Jobs     int        // runs of an element at once
	Runs     int
	Name     string // of the job
	Path     string // of the script, from the current folder
	Full     string // of the script, from the root
	Dir      string // of logs, from the root
	Cwd      string // where the elements run, so that paths in configs mean the same
}

//go:embed script.tmpl
var scriptText string

var scriptTemplate = template.Must(template.New("sbatch").Funcs(template.FuncMap{
	"shell": func(words ...string) string { return fail.CommandLine(words) },
	"words": fail.CommandLine,
}).Parse(scriptText))

func (b *batch) script() (string, error) {
	var text strings.Builder
	if err := scriptTemplate.Execute(&text, b); err != nil {
		return "", fmt.Errorf("writing the batch script: %w", err)
	}
	return text.String(), nil
}

// Origin says what wrote the script, and when.
func (b *batch) Origin() string {
	return fmt.Sprintf("longtail %s, %s", build.Version, time.Now().Format(time.DateTime))
}

// Options are the options of sbatch.
func (b *batch) Options() []string {
	s := &b.Grid.Slurm
	array := fmt.Sprintf("0-%d", len(b.Elements)-1)
	if s.Limit > 0 {
		array += fmt.Sprintf("%%%d", s.Limit)
	}
	all := []string{
		option("job-name", b.Name), option("comment", b.Full), option("array", array), option("chdir", b.Cwd),
		option("output", strings.ReplaceAll(b.Dir, "%", "%%")+"/%A_%a.log"), "--open-mode=append",
		"--requeue", fmt.Sprintf("--signal=B:TERM@%d", grid.NoticeSeconds),
	}
	cpus := ""
	if s.CPUs > 0 {
		cpus = fmt.Sprint(s.CPUs)
	}
	for _, o := range [][2]string{
		{"partition", s.Partition}, {"time", s.Time}, {"gres", s.Gres}, {"cpus-per-task", cpus}, {"mem", s.Mem},
		{"account", s.Account}, {"qos", s.QOS}, {"constraint", s.Constraint},
	} {
		if o[1] != "" {
			all = append(all, option(o[0], o[1]))
		}
	}
	return append(all, s.Extra...)
}

// quoted is how sbatch reads any text as one word.
var quoted = strings.NewReplacer(`\`, `\\`, `"`, `\"`)

func option(name, value string) string {
	if plain := fail.CommandLine([]string{value}); plain == value {
		return "--" + name + "=" + value
	}
	return "--" + name + `="` + quoted.Replace(value) + `"`
}
