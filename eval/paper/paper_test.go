package paper

import (
	"slices"
	"testing"
)

func TestEveryGridHasTheShapeOfThePaper(t *testing.T) {
	for _, c := range []struct {
		name       string
		rows, cols int
	}{{"table2", 6, 12}, {"figure8", 25, 5}, {"figure9", 25, 5}, {"figure10", 25, 5}} {
		g, err := Lookup(c.name)
		if err != nil {
			t.Fatal(err)
		}
		if len(g.Rows) != c.rows || len(g.Columns) != c.cols {
			t.Errorf("%s: %d x %d, want %d x %d", c.name, len(g.Rows), len(g.Columns), c.rows, c.cols)
		}
		for _, r := range g.Rows {
			if len(r.Cells) != c.cols {
				t.Errorf("%s: row %s has %d cells", c.name, r.Label, len(r.Cells))
			}
		}
	}
	if _, err := Lookup("table9"); err == nil {
		t.Error("an unknown table is found")
	}
}

func TestFigureRowsAreTheModelsInOrder(t *testing.T) {
	for _, name := range Names()[1:] {
		g, err := Lookup(name)
		if err != nil {
			t.Fatal(err)
		}
		var got []Model
		for _, r := range g.Rows {
			got = append(got, r.Model)
		}
		if !slices.Equal(got, Models()) {
			t.Errorf("%s: models %v", name, got)
		}
	}
}

// Table 2's last row is the smallest of the 20 class-balanced cells of Figures 8 and 10: the files agree with each other.
func TestTable2BestIsTheMinimumOfTheFigures(t *testing.T) {
	table, err := Lookup("table2")
	if err != nil {
		t.Fatal(err)
	}
	best := table.Rows[5]
	for i, col := range table.Columns {
		if col.Imbalance == 1 {
			continue
		}
		min, winner := 1000.0, Model{}
		for _, m := range Models() {
			cell, ok := Find(col, m)
			if !ok {
				t.Fatalf("%v %v: no number", col, m)
			}
			if m.Balanced() && cell.Error < min {
				min, winner = cell.Error, m
			}
		}
		if min != best.Cells[i].Error || winner != best.Best[i] {
			t.Errorf("%v: figures say %v %v, Table 2 says %s %v", col, min, winner, best.Cells[i].Text, best.Best[i])
		}
	}
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		col  Column
		m    Model
		want string
	}{
		{Column{Dataset: "cifar10", Imbalance: 50}, Model{Focal, 2, 0.9999}, "20.73"},
		{Column{Dataset: "cifar100", Imbalance: 200}, Model{Softmax, 0, 0}, "65.16"},
		{Column{Dataset: "cifar20", Imbalance: 10}, Model{Sigmoid, 0, 0.9}, "32.82"},
		{Column{Dataset: "cifar10", Imbalance: 1}, Model{Sigmoid, 0, 0.999}, "6.36"},
		{Column{Dataset: "cifar20", Imbalance: 1}, Model{Sigmoid, 0, 0}, ""},
		{Column{Dataset: "synthetic10", Imbalance: 100}, Model{Softmax, 0, 0}, ""},
	} {
		cell, ok := Find(c.col, c.m)
		if cell.Text != c.want || ok != (c.want != "") {
			t.Errorf("Find(%v, %v) = %q, %v, want %q", c.col, c.m, cell.Text, ok, c.want)
		}
	}
}

func TestModelNames(t *testing.T) {
	m := Model{Focal, 0.5, 0.9999}
	if m.String() != "CB focal γ=0.5 β=0.9999" || m.Code() != "Focal_0.5_0.9999" || m.Plain().Code() != "Focal_0.5" {
		t.Error(m.String(), m.Code(), m.Plain().Code())
	}
	if NewModel(Softmax, 2, 0.9) != (Model{Softmax, 0, 0.9}) {
		t.Error("gamma counts for softmax")
	}
	for _, bad := range []string{"", "XX", "SM_", "SM_a", "SM_0.9_0.9", "Focal", "Focal_1"} {
		if m, err := ParseCode(bad); err == nil {
			t.Errorf("ParseCode(%q) = %v", bad, m)
		}
	}
}
