package serve

import (
	"errors"
	"net/http"

	"longtail/eval"
	"longtail/eval/status"
)

// chosen are the runs that a request names by their IDs, at least one and at most as many as are allowed.
func (s *Server) chosen(r *http.Request) ([]status.Row, error) {
	ids := r.URL.Query()["id"]
	switch {
	case len(ids) == 0:
		return nil, problem{http.StatusBadRequest, "No run is named: id=ID."}
	case len(ids) > mostRuns:
		return nil, problem{http.StatusBadRequest, "Those are too many runs for one request."}
	}
	var rows []status.Row
	for _, id := range ids {
		row, ok := s.board.row(id)
		if !ok {
			s.board.refresh(r.Context()) // a client may know a run from before this process
			row, ok = s.board.row(id)
		}
		if !ok {
			return nil, notFound("There is no run with this ID in the folder.")
		}
		if leadsOut(s.board.root, row.Folder) {
			return nil, problem{http.StatusForbidden, linkedOut}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// read reads a run: a finished one with all that is checked of it, another one as far as it is.
func read(row status.Row) (*eval.Run, error) {
	if row.State != status.Done {
		return eval.ReadUnfinished(row.Folder)
	}
	set, err := eval.Load(row.Folder)
	if err != nil {
		return nil, err
	}
	if len(set.Runs) == 0 {
		if len(set.Problems) > 0 {
			return nil, set.Problems[0].Err
		}
		return nil, errors.New("it is gone")
	}
	return set.Runs[0], nil
}

// readAll reads the chosen runs. Those that cannot be read come as texts with their names.
func (s *Server) readAll(r *http.Request) (runs []*eval.Run, rows []status.Row, failed []string, err error) {
	all, err := s.chosen(r)
	for _, row := range all {
		one, err := read(row)
		if err != nil {
			failed = append(failed, row.Name+": "+err.Error())
			continue
		}
		runs, rows = append(runs, one), append(rows, row)
	}
	return runs, rows, failed, err
}
