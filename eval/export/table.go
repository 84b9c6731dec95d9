package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"longtail/eval/tables"
	"longtail/internal/disk"
	"longtail/internal/fail"
)

// Table is a form of the table of all metrics: a row for each epoch of each run.
type Table struct {
	start string // of every file of this form
	write func(b *bytes.Buffer, runs []*Run) error
}

// The forms of the table. Of CSV the columns are run, epoch, step and one for each metric that a run has, empty where an epoch lacks it; of
// JSON Lines a line is an object with the same keys, without those that the epoch lacks. Numbers are written so that they read back as the
// same float64.
var (
	CSV   = Table{"run,epoch,step", writeCSV}
	JSONL = Table{`{"run":`, writeJSONL}
)

// Encode is the table of runs as text.
func (t Table) Encode(runs []*Run) ([]byte, error) {
	var b bytes.Buffer
	err := t.write(&b, runs)
	return b.Bytes(), err
}

// WriteFile writes the table of runs atomically. A file that is no such table is not overwritten: that is a usage error.
func (t Table) WriteFile(path string, runs []*Run) error {
	text, err := t.Encode(runs)
	if err != nil {
		return err
	}
	if err := t.Replaceable(path); err != nil {
		return err
	}
	return disk.WriteTo(path, text)
}

// Replaceable returns a usage error if path is a file with other content than such a table.
func (t Table) Replaceable(path string) error {
	err := disk.Replaceable(path, int64(len(t.start)), func(start []byte) bool { return string(start) == t.start })
	if errors.Is(err, disk.ErrForeign) {
		return fail.Usage("%s is there and is no table that this command wrote: it is not overwritten\nname another file with --out, or remove that one", path)
	}
	return err
}

func writeCSV(b *bytes.Buffer, runs []*Run) error {
	out := csv.NewWriter(b)
	names := columns(runs)
	header := []string{"run", "epoch", "step"}
	for _, n := range names {
		header = append(header, tables.Inert(n))
	}
	if err := out.Write(header); err != nil {
		return fmt.Errorf("writing CSV: %w", err)
	}
	at := map[string]int{}
	for i, n := range names {
		at[n] = 3 + i
	}
	for _, r := range runs {
		for _, e := range r.History {
			record := make([]string, len(header))
			record[0], record[1], record[2] = tables.Inert(r.Name), number(e.Epoch), strconv.Itoa(e.Step)
			for _, m := range metricsOf(e, r.ClassNames) {
				record[at[m.name]] = number(m.value)
			}
			if err := out.Write(record); err != nil {
				return fmt.Errorf("writing CSV: %w", err)
			}
		}
	}
	out.Flush()
	return out.Error()
}

// number is the shortest text that reads back as v.
func number(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

func writeJSONL(b *bytes.Buffer, runs []*Run) error {
	for _, r := range runs {
		name, err := json.Marshal(r.Name)
		if err != nil {
			return fmt.Errorf("writing JSON Lines: %w", err)
		}
		for _, e := range r.History {
			fmt.Fprintf(b, `{"run":%s,"epoch":%s,"step":%d`, name, number(e.Epoch), e.Step)
			for _, m := range metricsOf(e, r.ClassNames) {
				if math.IsNaN(m.value) || math.IsInf(m.value, 0) {
					continue // JSON has no such number
				}
				key, err := json.Marshal(m.name)
				if err != nil {
					return fmt.Errorf("writing JSON Lines: %w", err)
				}
				fmt.Fprintf(b, `,%s:%s`, key, number(m.value))
			}
			b.WriteString("}\n")
		}
	}
	return nil
}
