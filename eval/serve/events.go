package serve

import (
	"fmt"
	"net/http"
	"time"
)

// heartbeat is how often a client hears something, so that both sides notice a dead connection.
const heartbeat = 15 * time.Second

// eventTime is how long a client may take to receive an event; one that takes longer is cut off, and asks anew when it can.
const eventTime = 10 * time.Second

// runs answers with all runs, or with what changed since a version.
func (s *Server) runs(w http.ResponseWriter, r *http.Request) {
	s.board.refresh(r.Context())
	id, text, _ := s.board.delta(r.URL.Query().Get("since"))
	if text == nil {
		text = fmt.Appendf(nil, `{"version":%q,"rows":[],"gone":[]}`, id)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text)
}

// events sends what changes, as server-sent events, from the version on that the client has.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	if !s.board.join() {
		w.Header().Set("Retry-After", "30")
		http.Error(w, "Too many pages listen already.", http.StatusServiceUnavailable)
		return
	}
	defer s.board.leave()
	since := r.Header.Get("Last-Event-ID") // of a client that connects again
	if since == "" {
		since = r.URL.Query().Get("since")
	}
	w.Header().Set("Content-Type", "text/event-stream")
	control := http.NewResponseController(w)
	send := func(parts ...[]byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(eventTime))
		for _, part := range parts {
			if _, err := w.Write(part); err != nil {
				return false
			}
		}
		return control.Flush() == nil
	}
	if r.Method == http.MethodHead || !send([]byte("retry: 2000\n\n")) {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		id, text, changed := s.board.delta(since)
		if text != nil {
			if !send([]byte("id: "+id+"\nevent: runs\ndata: "), text, []byte("\n\n")) {
				return
			}
			since = id
		}
		select {
		case <-changed:
		case <-beat.C:
			if !send([]byte(": still here\n\n")) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
