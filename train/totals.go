package train

import (
	"encoding/json"
	"fmt"
	"slices"

	"longtail/internal/device"
	"longtail/internal/disk"
	"longtail/internal/metrics"
)

// Totals are sums over samples.
type Totals struct {
	Loss      float64
	Classes   int
	Confusion metrics.Counts
}

func newTotals(classes int) Totals { return Totals{Classes: classes, Confusion: metrics.Counts{}} }

func (t *Totals) add(s device.Sums) {
	t.Loss += s.Loss
	t.Confusion.Add(s.Confusion)
}

func (t *Totals) samples() int64 { return t.Confusion.Samples() }

// totalsJSON is how totals are written: with the confusion matrix [C * C] where there are at most metrics.Dense classes.
type totalsJSON struct {
	Loss      float64        `json:"loss"`
	Confusion []int64        `json:"confusion,omitempty"` // row = true class
	Classes   int            `json:"classes,omitempty"`
	Cells     []metrics.Cell `json:"cells,omitempty"`
}

// MarshalJSON writes the totals.
func (t Totals) MarshalJSON() ([]byte, error) {
	if t.Classes <= metrics.Dense {
		return json.Marshal(totalsJSON{Loss: t.Loss, Confusion: t.Confusion.Flat(t.Classes)})
	}
	return json.Marshal(totalsJSON{Loss: t.Loss, Classes: t.Classes, Cells: t.Confusion.Cells()})
}

// UnmarshalJSON reads what MarshalJSON writes, and a matrix of any number of classes.
func (t *Totals) UnmarshalJSON(text []byte) error {
	var from totalsJSON
	if err := disk.Decode(text, &from); err != nil {
		return err
	}
	*t = Totals{Loss: from.Loss, Classes: from.Classes}
	if len(from.Confusion) == 0 {
		counts, ok := metrics.FromCells(from.Cells, from.Classes)
		if t.Confusion = counts; !ok || from.Classes < 1 {
			return fmt.Errorf("the sums are not those of %d classes", from.Classes)
		}
		return nil
	}
	for t.Classes*t.Classes < len(from.Confusion) {
		t.Classes++
	}
	if t.Classes*t.Classes != len(from.Confusion) || slices.Min(from.Confusion) < 0 || from.Cells != nil || from.Classes != 0 {
		return fmt.Errorf("the sums have %d counts, which are no confusion matrix", len(from.Confusion))
	}
	t.Confusion = metrics.FromFlat(from.Confusion, t.Classes)
	return nil
}
