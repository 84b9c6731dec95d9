package serve

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"

	"longtail/eval/status"
)

// Options say what is served, where and to whom.
type Options struct {
	Folder string
	Addr   string        // HOST:PORT as the user gave it: its host is a valid name of the server
	Token  string        // that clients must have; empty wants none
	Logs   string        // folder beside the runs of a sweep with the logs JOB.log of a scheduler; empty for none
	Every  time.Duration // between readings of the folder; 0 is a second
	Status status.Options
}

// Limits, so that many clients or slow ones cannot exhaust the process.
const (
	mostConnections = 512
	mostListeners   = 256              // clients that listen to events
	mostReaders     = 4                // requests that read files of runs at once; others wait
	mostRuns        = 24               // runs in one request for curves or a comparison
	mostHeaderBytes = 32 << 10         // of a request
	headerTime      = 5 * time.Second  // for a client to send its request
	bodyTime        = time.Second      // for the body of a refused request
	answerTime      = 60 * time.Second // for an answer, the slowest being a table of a thousand runs that are read for it
	idleTime        = 2 * time.Minute  // for a connection without a request
	stopTime        = 2 * time.Second  // for answers under way when the server stops
)

// Server serves the page.
type Server struct {
	options Options
	board   *board
	results *results
	readers chan struct{} // a place for each request that reads files of some runs
	tables  chan struct{} // a place for the one that reads those of all
	http    *http.Server
}

// New makes a server of a folder; one that is not there is a usage error.
func New(o Options) (*Server, error) {
	reader, err := status.NewReader(o.Folder, o.Status)
	if err != nil {
		return nil, err
	}
	absolute, err := filepath.Abs(o.Folder)
	if err == nil {
		absolute, err = filepath.EvalSymlinks(absolute)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for %s: %w", o.Folder, err)
	}
	if o.Every <= 0 {
		o.Every = time.Second
	}
	s := &Server{
		options: o,
		board:   newBoard(reader, absolute, o.Every),
		results: newResults(),
		readers: make(chan struct{}, mostReaders),
		tables:  make(chan struct{}, 1),
	}
	s.http = &http.Server{
		Handler:           newGuard(o, s.routes()),
		ReadHeaderTimeout: headerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    mostHeaderBytes,
	}
	return s, nil
}

// Handler answers requests, for tests.
func (s *Server) Handler() http.Handler { return s.http.Handler }

// routes are the addresses of the page.
func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", assets())
	mux.HandleFunc("/api/runs", s.runs)
	mux.HandleFunc("/api/events", s.events)
	mux.HandleFunc("/api/run", limited(s.readers, asJSON(s.run)))
	mux.HandleFunc("/api/curves", limited(s.readers, asJSON(s.curves)))
	mux.HandleFunc("/api/compare", limited(s.readers, asJSON(s.compare)))
	mux.HandleFunc("/api/table", limited(s.tables, asJSON(s.table)))
	mux.HandleFunc("/report.html", limited(s.readers, asFile("report.html", types[".html"], s.report)))
	mux.HandleFunc("/metrics.csv", limited(s.readers, asFile("metrics.csv", "text/csv; charset=utf-8", s.metricsCSV)))
	return mux
}

// Serve answers on a listener, which it closes, until the context ends.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	go s.board.run(ctx)
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, done := context.WithTimeout(context.Background(), stopTime)
		defer done()
		err := s.http.Shutdown(grace)
		if errors.Is(err, context.DeadlineExceeded) {
			err = s.http.Close()
		}
		stopped <- err
	}()
	err := s.http.Serve(limit(l, mostConnections))
	if errors.Is(err, http.ErrServerClosed) {
		return <-stopped
	}
	return fmt.Errorf("serving on %s: %w", l.Addr(), err)
}

// problem is an answer other than success: what is wrong with the request, in words.
type problem struct {
	code int
	text string
}

func (p problem) Error() string { return p.text }

// notFound is the answer to a name that is not known.
func notFound(format string, args ...any) error {
	return problem{http.StatusNotFound, fmt.Sprintf(format, args...)}
}

// limited lets only as many requests through at once as there are places; others wait.
func limited(places chan struct{}, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		select {
		case places <- struct{}{}:
		case <-r.Context().Done():
			return
		}
		defer func() { <-places }()
		next(w, r)
	}
}

// asJSON makes a handler of a function that gives what is sent as JSON.
func asJSON(get func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := get(r)
		if err != nil {
			sendError(w, err)
			return
		}
		text, err := json.Marshal(value)
		if err != nil {
			sendError(w, err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
	}
}

// asFile makes a handler that sends what a function gives as a file, which the browser does not show as a page of this server.
func asFile(name, kind string, get func(*http.Request) ([]byte, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text, err := get(r)
		if err != nil {
			sendError(w, err)
			return
		}
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
		w.Write(text)
	}
}

func sendError(w http.ResponseWriter, err error) {
	var p problem
	if !errors.As(err, &p) {
		p = problem{http.StatusInternalServerError, err.Error()}
	}
	http.Error(w, p.text, p.code)
}

// NewToken makes a token that cannot be guessed.
func NewToken() string { return rand.Text() }
