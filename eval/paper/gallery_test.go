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
	_, table, _ := strings.Cut(string(text), "## Published numbers")
	quoted := 0
	for line := range strings.Lines(table) {
		cells := strings.SplitN(strings.Trim(line, "|\n "), " | ", 3)
		if len(cells) < 3 || cells[0] == "method" {
			continue
		}
		quoted++
		if published[cells[0]] != cells[2] {
			t.Errorf("%s: %q, published are %q", cells[0], cells[2], published[cells[0]])
		}
	}
	if quoted < 15 {
		t.Errorf("%d rows are quoted", quoted)
	}
}
