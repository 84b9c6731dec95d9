package serve

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"longtail/eval/status"
)

// board is what the folder looks like now, in versions, so that a client can be told what changed since the one that it has.
type board struct {
	reader *status.Reader
	root   string // of the folder, absolute and without links
	every  time.Duration

	reading sync.Mutex // one reading of the folder at a time
	read    time.Time  // the last one; guarded by reading

	mu      sync.Mutex
	boot    string // tells versions of this process from those of an earlier one
	version uint64
	rows    map[string]*entry // by ID
	forgot  uint64            // before this version it is not known which rows are gone
	gone    []departure
	totals  []byte        // JSON of head
	full    []byte        // what a new client gets of this version; nil until one asks
	changed chan struct{} // closed with the next version
	clients int
	woken   chan struct{} // holds a value after a client came
}

// entry is a row with the version of its last change.
type entry struct {
	row     status.Row
	text    []byte // as JSON
	version uint64
}

// departure is a row that went.
type departure struct {
	id      string
	version uint64
}

// mostDepartures bounds what is remembered of rows that went; a client that is further behind gets all rows anew.
const mostDepartures = 1000

func newBoard(r *status.Reader, root string, every time.Duration) *board {
	return &board{
		reader: r, root: root, every: every,
		boot: NewToken()[:8], rows: map[string]*entry{}, changed: make(chan struct{}), woken: make(chan struct{}, 1),
	}
}

// idOf is a run's ID: a name may hold anything, an ID is 16 hexadecimal digits.
func idOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}

// run reads the folder once, so that the first client need not wait, and then again and again while clients listen.
func (b *board) run(ctx context.Context) {
	b.refresh(ctx)
	for ctx.Err() == nil {
		if !b.listened() {
			select {
			case <-b.woken:
			case <-ctx.Done():
				return
			}
		}
		start := time.Now()
		b.refresh(ctx)
		// A slow file system is given four times the time that a reading takes.
		pause := max(b.every, 4*time.Since(start))
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

func (b *board) listened() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clients > 0
}

// join counts a client that listens to events, or refuses one too many.
func (b *board) join() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.clients >= mostListeners {
		return false
	}
	b.clients++
	select {
	case b.woken <- struct{}{}:
	default:
	}
	return true
}

func (b *board) leave() {
	b.mu.Lock()
	b.clients--
	b.mu.Unlock()
}

// refresh reads the folder, if that was not done just now.
func (b *board) refresh(ctx context.Context) {
	b.reading.Lock()
	defer b.reading.Unlock()
	if !b.read.IsZero() && time.Since(b.read) < b.every/2 {
		return
	}
	s, err := b.reader.Read(ctx)
	if err != nil {
		return // the context ended
	}
	b.read = time.Now()
	b.update(s)
}

// longestProblem is how much of an error stands in a row; the run's own page has all of it.
const longestProblem = 300

// update takes a reading over.
func (b *board) update(s status.Snapshot) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := b.version + 1
	changed := false
	seen := make(map[string]bool, len(s.Rows))
	for _, r := range s.Rows {
		id := idOf(r.Name)
		seen[id] = true
		if r.Problem != "" && leadsOut(b.root, r.Folder) {
			r.Problem = linkedOut
		}
		text := encodeRow(id, r)
		old := b.rows[id]
		if old != nil && bytes.Equal(old.text, text) {
			old.row = r
			continue
		}
		b.rows[id], changed = &entry{r, text, next}, true
	}
	for id := range b.rows {
		if !seen[id] {
			delete(b.rows, id)
			b.gone, changed = append(b.gone, departure{id, next}), true
		}
	}
	if over := len(b.gone) - mostDepartures; over > 0 {
		b.forgot = b.gone[over-1].version
		b.gone = slices.Delete(b.gone, 0, over)
	}
	totals, _ := json.Marshal(map[string]any{"totals": s.Totals, "remarks": s.Remarks, "folder": s.Folder}) // numbers and texts
	if !changed && bytes.Equal(totals, b.totals) && b.version > 0 {
		return
	}
	b.version, b.totals, b.full = next, totals, nil
	close(b.changed)
	b.changed = make(chan struct{})
}

// encodeRow is a row as the page gets it, its error shortened to the first line.
func encodeRow(id string, r status.Row) []byte {
	r.Problem, _, _ = strings.Cut(r.Problem, "\n")
	if len(r.Problem) > longestProblem {
		r.Problem = strings.ToValidUTF8(r.Problem[:longestProblem], "") + " ..."
	}
	text, _ := json.Marshal(struct {
		ID string `json:"id"`
		status.Row
	}{id, r}) // numbers and texts: always has a JSON form
	return text
}

// delta is what changed since the version of a client, as JSON, and the ID of the new version; nil where nothing did. changed is closed
// when there is more. A version of an earlier process, or one too old, gets everything.
func (b *board) delta(since string) (id string, text []byte, changed <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	id = fmt.Sprintf("%s-%d", b.boot, b.version)
	if since == id {
		return id, nil, b.changed
	}
	var have uint64
	if n, err := fmt.Sscanf(since, b.boot+"-%d", &have); n != 1 || err != nil || have > b.version || have < b.forgot {
		have = 0
	}
	if have == 0 && b.full != nil {
		return id, b.full, b.changed
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"version":%q,"full":%v,"head":%s,"rows":[`, id, have == 0, cmp.Or(string(b.totals), "{}"))
	separator := ""
	for _, e := range b.rows {
		if e.version > have {
			out.WriteString(separator)
			out.Write(e.text)
			separator = ","
		}
	}
	gone := []string{}
	for _, d := range b.gone {
		if d.version > have && b.rows[d.id] == nil {
			gone = append(gone, d.id)
		}
	}
	list, _ := json.Marshal(gone)
	fmt.Fprintf(&out, `],"gone":%s}`, list)
	if have == 0 {
		b.full = out.Bytes()
	}
	return id, out.Bytes(), b.changed
}

// row is the run with an ID.
func (b *board) row(id string) (status.Row, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.rows[id]
	if !ok {
		return status.Row{}, false
	}
	return e.row, true
}

// all are the rows of all runs, sorted by name.
func (b *board) all() []status.Row {
	b.mu.Lock()
	defer b.mu.Unlock()
	rows := make([]status.Row, 0, len(b.rows))
	for _, e := range b.rows {
		rows = append(rows, e.row)
	}
	slices.SortFunc(rows, func(a, b status.Row) int { return strings.Compare(a.Name, b.Name) })
	return rows
}
