package paper

import (
	"encoding/csv"
	"os"
	"strings"
	"testing"
)

// The table of docs/methods.md has the numbers of gallery.csv, cell by cell.
func TestMethodsQuoteTheGallery(t *testing.T) {
	text, err := os.ReadFile("../../docs/methods.md")
	if err != nil {
		t.Fatal(err)
	}
	file, err := files.Open("gallery.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	published := map[string]string{}
	for _, row := range rows[1:] {
		name, _, _ := strings.Cut(row[0], " (its own run)")
		published[name] = strings.Join(row[1:], " | ")
	}
	_, table, _ := strings.Cut(string(text), "## All methods, published and ours")
	quoted := 0
	for line := range strings.Lines(table) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		if len(cells) != 9 || cells[0] == " method" {
			continue
		}
		name, got := strings.TrimSpace(cells[0]), strings.Join(cells[4:8], " | ")
		if want, is := published[name]; is {
			quoted++
			if got != want {
				t.Errorf("%s: %q, published are %q", name, got, want)
			}
		} else if strings.Trim(got, " |") != "" {
			t.Errorf("%s: %q, and nothing is published", name, got)
		}
	}
	if quoted != len(published) {
		t.Errorf("%d rows are quoted", quoted)
	}
}

func TestGalleries(t *testing.T) {
	for name, want := range map[string]struct{ rows, columns int }{"gallery": {24, 4}, "ldam": {4, 8}, "table3": {9, 3}} {
		g, err := LookupGallery(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Rows) != want.rows || len(g.Columns) != want.columns {
			t.Errorf("%s: %d rows and %d columns, want %v", name, len(g.Rows), len(g.Columns), want)
		}
	}
	for _, c := range []struct {
		gallery, label string
		column         Column
		want           string
	}{
		{"gallery", "LDAM-DRW", Column{Dataset: "cifar10", Imbalance: 50}, "18.40"},
		{"gallery", "LWS", Column{Dataset: "cifar100", Imbalance: 100}, "59.84"},
		{"ldam", "LDAM", Column{Dataset: "cifar100", Imbalance: 10, Profile: "step"}, "43.73"},
		{"ldam", "LDAM", Column{Dataset: "cifar100", Imbalance: 10}, "43.09"},
		{"ldam", "LDAM", Column{Dataset: "cifar100", Imbalance: 50}, ""},
		{"table3", "ResNet-50 softmax", Column{Dataset: "inaturalist2018"}, "42.86"},
		{"table3", "ResNet-152 class-balanced focal", Column{Dataset: "ilsvrc2012"}, "20.87"},
		{"table3", "ResNet-101 class-balanced focal at 320", Column{Dataset: "inaturalist2017"}, "34.96"},
		{"table3", "ResNet-50 softmax", Column{Dataset: "imagenet_lt"}, ""},
		{"table3", "ResNet-50 softmax at 320", Column{Dataset: "ilsvrc2012"}, ""},
		{"ldam", "cRT", Column{Dataset: "cifar100", Imbalance: 10}, ""},
	} {
		g, err := LookupGallery(c.gallery)
		if err != nil {
			t.Fatal(err)
		}
		if cell, ok := g.Cell(c.label, c.column); cell.Text != c.want || ok != (c.want != "") {
			t.Errorf("%s of %v: %q, want %q", c.label, c.column, cell.Text, c.want)
		}
	}
	if _, err := LookupGallery("nothing"); err == nil {
		t.Error("an unknown name is taken")
	}
}
