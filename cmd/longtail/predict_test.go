package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"longtail/data/pack"
	"longtail/eval/report"
	"longtail/internal/run"
	"longtail/train"
)

// mustExecute runs a command line and gives its stdout.
func mustExecute(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := Execute(context.Background(), args, &stdout, &stderr); code != 0 {
		t.Fatalf("longtail %s: exit code %d: %s", strings.Join(args, " "), code, &stderr)
	}
	return stdout.String()
}

// Test images that are predicted from their files, one network after another, give the confusion matrix that the run recorded of the packed
// ones: decoding, scale of the input, parameters and what the section eval does are the same. The packed file is gone by then.
func TestPredictionsAreThoseOfTheTest(t *testing.T) {
	dir := t.TempDir()
	source, file := filepath.Join(dir, "shapes"), filepath.Join(dir, "shapes.pack")
	mustExecute(t, "data", "draw", "--out", source, "--classes", "3", "--size", "40", "--images", "40", "--imbalance", "4", "-q")
	mustExecute(t, "data", "pack", source, "--size", "32", "--test", "0.4", "--background", "204060", "--out", file, "-q")
	header, err := pack.ReadHeader(file)
	if err != nil {
		t.Fatal(err)
	}
	names, err := pack.ReadNames(file)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, n := range header.Train {
		names = names[n:]
	}
	for _, name := range names {
		paths = append(paths, filepath.Join(source, filepath.FromSlash(name)))
	}
	variants := map[string][]string{
		"plain":       {"data.input=standard"},
		"adjust":      {"eval.adjust=1.5"},
		"tau_norm":    {"eval.tau_norm=2"},
		"auto":        {"eval.adjust=auto", "data.validation=0.2"},
		"ldam_cosine": {"loss.name=ldam"},
	}
	for name, settings := range variants {
		args := []string{"train", "data.dataset=" + file, "model.name=resnet8", "train.epochs=2", "train.batch=8", "device=cpu", "out=" + filepath.Join(dir, name), "-q"}
		mustExecute(t, append(args, settings...)...)
	}
	compareMistakes(t, filepath.Join(dir, "adjust"), names)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for name := range variants {
		folder := filepath.Join(dir, name)
		s, err := run.ReadSummary(folder)
		if err != nil {
			t.Fatal(err)
		}
		last, _, _ := s.Quoted()
		answers := json.NewDecoder(strings.NewReader(mustExecute(t, append([]string{"predict", folder, "--json", "-q", "--batch", "7"}, paths...)...)))
		confusion := make([][]int64, len(s.ClassNames))
		for class, n := range header.Test {
			confusion[class] = make([]int64, len(s.ClassNames))
			for range n {
				var a answer
				if err := answers.Decode(&a); err != nil {
					t.Fatal(err)
				}
				if want := filepath.Join(source, s.ClassNames[class]); filepath.Dir(a.File) != want {
					t.Fatalf("%s is not of class %s", a.File, want)
				}
				confusion[class][a.Top[0].Label]++
			}
		}
		if got, want := jsonOf(t, confusion), jsonOf(t, last.Confusion); got != want {
			t.Errorf("%s: predictions %s, the run's test %s", name, got, want)
		}
	}
}

// compareMistakes compares the mistakes that the page of a run shows with its confusion matrix and the names of its test images.
func compareMistakes(t *testing.T, folder string, names []string) {
	t.Helper()
	s, err := run.ReadSummary(folder)
	if err != nil {
		t.Fatal(err)
	}
	job := train.EvalJob{Dir: folder, Open: new(options).opener(io.Discard)}
	m, err := mistakesOf(t.Context(), job, "last")
	if err != nil || len(m.Classes) == 0 {
		t.Fatal(m, err)
	}
	last, _, _ := s.Quoted()
	for _, c := range m.Classes {
		class := slices.Index(s.ClassNames, c.Name)
		wrong, before := int64(s.TestCounts[class])-last.Confusion[class][class], 1.0
		if int64(c.Wrong) != wrong || c.Tested != s.TestCounts[class] || len(c.Images) != min(c.Wrong, report.PerClass) {
			t.Errorf("%s: %d of %d wrong, %d shown, want %d of %d", c.Name, c.Wrong, c.Tested, len(c.Images), wrong, s.TestCounts[class])
		}
		for _, w := range c.Images {
			if !slices.Contains(names, w.Name) || filepath.Dir(w.Name) != c.Name || w.Predicted == c.Name || w.Probability > before {
				t.Errorf("%s: %s is taken for %s, %v after %v", c.Name, w.Name, w.Predicted, w.Probability, before)
			}
			before = w.Probability
		}
	}
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestThresholdsOfClasses(t *testing.T) {
	classes := []string{"cat", "a=b", "dog"}
	for _, c := range []struct {
		texts []string
		want  string
		error string
	}{
		{nil, "[0,0,0]", ""},
		{[]string{"cat=0.9", "0.5"}, "[0.9,0.5,0.5]", ""},
		{[]string{"a=b=0.25"}, "[0,0.25,0]", ""},
		{[]string{"1.1"}, "", "from 0 to 1"},
		{[]string{"dog=high"}, "", "from 0 to 1"},
		{[]string{"wolf=0.5"}, "", `no class "wolf"`},
		{[]string{"NaN"}, "", "from 0 to 1"},
	} {
		got, err := parseThresholds(c.texts, classes)
		if c.error != "" {
			if err == nil || !strings.Contains(err.Error(), c.error) {
				t.Errorf("%q: %v", c.texts, err)
			}
		} else if err != nil || jsonOf(t, got) != c.want {
			t.Errorf("%q: %v, %v", c.texts, got, err)
		}
	}
}
