package serve

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"longtail/eval/evaltest"
)

func sha256Text(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// start serves on a free port of this machine until the test ends.
func start(t *testing.T, s *Server) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l) }()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("stopping: %v", err)
			}
		case <-time.After(2 * stopTime):
			t.Error("it does not stop")
		}
	})
	return l.Addr().String()
}

// anyPort is an address whose Host header may have any port.
const anyPort = "127.0.0.1:0"

func TestTwoHundredConnectionsAtOnce(t *testing.T) {
	s := newServer(t, folder(t), Options{Addr: anyPort})
	addr := start(t, s)
	var all sync.WaitGroup
	faults := make(chan error, 200)
	for i := range 200 {
		all.Go(func() {
			path := []string{"/api/runs", "/", "/api/curves?" + idsOf("focal"), "/api/compare?" + idsOf("focal", "softmax-0")}[i%4]
			answer, err := http.Get("http://" + addr + path)
			if err != nil {
				faults <- err
				return
			}
			defer answer.Body.Close()
			if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != 200 {
				faults <- fmt.Errorf("%s: %s, %w", path, answer.Status, err)
			}
		})
	}
	all.Wait()
	close(faults)
	for err := range faults {
		t.Error(err)
	}
}

func TestHalfSentRequestsEnd(t *testing.T) {
	s := newServer(t, folder(t), Options{Addr: anyPort})
	s.http.ReadHeaderTimeout = 200 * time.Millisecond
	addr := start(t, s)
	for _, text := range []string{
		"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n",
		"GET / HT",
		"POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf",
		"GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\nhalf",
		"",
	} {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
		if answer, err := http.Get("http://" + addr + "/api/runs"); err != nil || answer.StatusCode != 200 {
			t.Errorf("beside a half-sent request: %v", err)
		}
		if err := c.SetReadDeadline(time.Now().Add(headerTime + 3*time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q is kept open", text)
		}
	}
}

// event reads the next event with rows from a stream.
func event(t *testing.T, r *bufio.Reader) (d deltaJSON) {
	t.Helper()
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatalf("reading events: %v", err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(text), &d); err != nil {
				t.Fatal(err)
			}
			return d
		}
	}
}

// listenTo opens a stream of events.
func listenTo(t *testing.T, addr, since string) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/api/events?since="+since, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	if kind := answer.Header.Get("Content-Type"); answer.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%s, %s", answer.Status, kind)
	}
	return bufio.NewReader(answer.Body)
}

func TestEventsTellWhatChanges(t *testing.T) {
	root := folder(t)
	s := newServer(t, root, Options{Addr: anyPort, Every: 20 * time.Millisecond})
	addr := start(t, s)
	first := ask[deltaJSON](t, s, "/api/runs")
	stream, fresh := listenTo(t, addr, first.Version), listenTo(t, addr, "")
	if d := event(t, fresh); !d.Full || len(d.Rows) != 8 {
		t.Errorf("a new client gets %d rows", len(d.Rows))
	}

	// An epoch more in one run: that row alone, to everyone.
	more := evaltest.History(evaltest.Spec{Epochs: 7, Seed: 10})[6]
	line, err := json.Marshal(more)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(filepath.Join(root, "begun", "metrics.jsonl"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write(append(line, '\n')); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	for _, r := range []*bufio.Reader{stream, fresh} {
		d := event(t, r)
		if d.Full || len(d.Rows) != 1 || d.Rows[0].Name != "begun" || d.Rows[0].Epoch != 7 {
			t.Errorf("after an epoch: %+v", d)
		}
		first = d
	}

	// A run that goes.
	if err := os.RemoveAll(filepath.Join(root, "focal")); err != nil {
		t.Fatal(err)
	}
	if d := event(t, stream); len(d.Gone) != 1 || d.Gone[0] != idOf("focal") {
		t.Errorf("after a removal: %+v", d)
	}
	// A client that was away since then is told the same.
	if d := event(t, listenTo(t, addr, first.Version)); d.Full || len(d.Gone) != 1 {
		t.Errorf("a client that comes back: %+v", d)
	}
}

func TestOnlySoManyListen(t *testing.T) {
	s := newServer(t, t.TempDir(), Options{})
	for range mostListeners {
		if !s.board.join() {
			t.Fatal("refused too early")
		}
	}
	if w := get(t, s, "/api/events"); w.Code != http.StatusServiceUnavailable {
		t.Errorf("one too many: %d", w.Code)
	}
	s.board.leave()
	if !s.board.join() {
		t.Error("a place that became free is not given")
	}
}

// TestAThousandRuns bounds what the first paint costs. Times are those of a busy machine.
func TestAThousandRuns(t *testing.T) {
	if testing.Short() {
		t.Skip("writes a thousand run folders")
	}
	root := t.TempDir()
	for i := range 1000 {
		if _, err := evaltest.Write(root, evaltest.Spec{Epochs: 100, Seed: uint64(i), Imbalance: float64(10 + i%7)}); err != nil {
			t.Fatal(err)
		}
	}
	s := newServer(t, root, Options{})
	memory := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapInuse+m.StackInuse) / 1e6
	}
	begin := memory()
	cold := time.Now()
	get(t, s, "/api/runs")
	t.Logf("first reading: %v", time.Since(cold))
	warm := time.Now()
	w := get(t, s, "/api/runs")
	if took := time.Since(warm); took > time.Second {
		t.Errorf("the list takes %v", took)
	}
	// What a process that was started again needs, with the rows in the cache.
	options := s.options
	again, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	cached := time.Now()
	get(t, again, "/api/runs")
	if took := time.Since(cached); took > time.Second {
		t.Errorf("a new server takes %v to its first list", took)
	} else {
		t.Logf("first list of a new server: %v, %d kB", took, w.Body.Len()/1000)
	}
	table := time.Now()
	if p := ask[published](t, s, "/api/table"); len(p.Tables) == 0 {
		t.Error("no table")
	}
	t.Logf("first table: %v", time.Since(table))
	used := memory() - begin
	runtime.KeepAlive(s)
	if used > 100 {
		t.Errorf("%.0f MB are in use", used)
	} else {
		t.Logf("%.1f MB are in use", used)
	}
}
