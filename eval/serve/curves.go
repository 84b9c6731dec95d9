package serve

import (
	"cmp"
	"math"
	"net/http"

	"longtail/eval/export"
)

// usualMetric is shown where none is asked for.
const usualMetric = "train/loss"

// series is one curve.
type series struct {
	ID    string    `json:"id"`
	Name  string    `json:"name"`
	Epoch []float64 `json:"epoch"`
	Step  []int     `json:"step"`
	Value []float64 `json:"value"`
}

// curves is the answer to a request for one metric of several runs.
type curves struct {
	Metric  string   `json:"metric"`
	Metrics []string `json:"metrics"` // names of all that the runs have
	Series  []series `json:"series"`
	Failed  []string `json:"failed"`
}

// curves answers ?id=ID&id=ID&metric=NAME.
func (s *Server) curves(r *http.Request) (any, error) {
	runs, rows, failed, err := s.readAll(r)
	if err != nil {
		return nil, err
	}
	c := curves{Metric: cmp.Or(r.URL.Query().Get("metric"), usualMetric), Metrics: export.Names(runs), Series: []series{}, Failed: failed}
	for i, one := range runs {
		line := series{ID: idOf(rows[i].Name), Name: rows[i].Name, Epoch: []float64{}, Step: []int{}, Value: []float64{}}
		for _, e := range one.History {
			if v, ok := export.Value(e, c.Metric); ok && !math.IsNaN(v) && !math.IsInf(v, 0) {
				line.Epoch, line.Step, line.Value = append(line.Epoch, e.Epoch), append(line.Step, e.Step), append(line.Value, v)
			}
		}
		c.Series = append(c.Series, line)
	}
	return c, nil
}
