package lease

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Whatever is in a lock, it is read without a panic, a holder does not take it for its own, and the folder can be locked in the end.
func FuzzLock(f *testing.F) {
	f.Add([]byte(`{"token":"t1","host":"a","pid":7,"beat":3,"progress":{"step":1}}`))
	f.Add([]byte(`{"token":"../../x","pid":-1}`))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		path := filepath.Join(dir, File)
		if err := os.WriteFile(path, text, 0o666); err != nil {
			t.Fatal(err)
		}
		if r, _, err := Read(dir); err == nil && r.Token == "" {
			t.Fatal("a lock without a token")
		}
		s := machine("a", 0)
		s.interval, s.patience, s.glance = time.Millisecond, 2*time.Millisecond, time.Millisecond
		l := &Lease{system: s, dir: dir, stop: make(chan struct{})}
		l.record = l.newRecord(false)
		if err := l.Check(); !errors.Is(err, ErrLost) {
			t.Fatalf("a lock of others: %v", err)
		}
		taken, err := s.acquire(t.Context(), dir)
		if err != nil {
			if len(text) <= maxBytes {
				t.Fatal(err)
			}
			return
		}
		release(t, taken)
		wantEmpty(t, dir)
	})
}
