package lease

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"longtail/internal/disk"
)

// ErrHeld is the error of a folder that another process has locked.
var ErrHeld = errors.New("another process is at work")

// ErrLost is the error of a lock that another process took over. It is also ErrHeld.
var ErrLost = fmt.Errorf("the lock was lost: %w", ErrHeld)

// Pace says how often heartbeats come and how long one waits for them.
const (
	interval = 2 * time.Second        // between heartbeats
	patience = 20 * time.Second       // without a heartbeat, after which a holder on another machine counts as dead
	glance   = 500 * time.Millisecond // between two looks at a lock that is held
)

// system is what a lock needs of the world; tests have others.
type system struct {
	host
	flock                      func(*os.File) error
	link                       func(old, new string) error
	now                        func() time.Time
	interval, patience, glance time.Duration
}

func thisSystem() system {
	return system{thisHost(), disk.Lock, os.Link, time.Now, interval, patience, glance}
}

// Lease is a lock that this process holds. Its methods may be called by several goroutines.
type Lease struct {
	system
	dir      string
	folder   *os.File // which the flock is on
	progress atomic.Pointer[Progress]
	lost     atomic.Pointer[error]
	stop     chan struct{}
	stopped  sync.WaitGroup
	released sync.Once

	mu     sync.Mutex // of what follows, and of the file
	record Record
	last   time.Time // of the last heartbeat that was written
}

// Acquire locks a folder. A holder on another machine is watched until it shows a heartbeat, a few seconds at most, or has shown none for
// twenty; a cancelled context ends that. The error is ErrHeld where another process has the folder.
func Acquire(ctx context.Context, dir string) (*Lease, error) { return thisSystem().acquire(ctx, dir) }

func (s system) acquire(ctx context.Context, dir string) (*Lease, error) {
	folder, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	l := &Lease{system: s, dir: dir, folder: folder, stop: make(chan struct{})}
	if err := l.take(ctx); err != nil {
		return nil, errors.Join(err, folder.Close())
	}
	return l, nil
}

// take takes the flock and then the lock.
func (l *Lease) take(ctx context.Context) error {
	err := l.flock(l.folder)
	if errors.Is(err, disk.ErrLocked) {
		if s, err := look(l.path()); err == nil {
			return held(s.Record)
		}
		return ErrHeld
	}
	l.record = l.newRecord(err == nil) // any other error: the file system has no flock
	silent, err := l.enter(ctx)
	if err != nil {
		return err
	}
	l.last = l.now()
	l.sweep()
	l.stopped.Go(l.beatOn)
	if silent { // the holder may be in the middle of a write
		err = errors.Join(l.sleep(ctx, l.interval), l.Check())
	}
	if err != nil {
		l.end()
	}
	return err
}

func (l *Lease) newRecord(flock bool) Record {
	start, _ := l.start(l.pid) // unknown is empty
	return Record{
		Token: l.newToken(), Host: l.name, Boot: l.boot, Spaces: l.spaces, PID: l.pid, Start: start, Job: l.job, Flock: flock,
		Since: l.now().Format(time.RFC3339), Beat: 1,
	}
}

// held is ErrHeld with the holder's place.
func held(r Record) error {
	if r.Host == "" {
		return ErrHeld
	}
	return fmt.Errorf("%w (%s)", ErrHeld, r.Place())
}

// Place is where the holder is, for people: "process 12 on node3, job 5_1".
func (r Record) Place() string {
	text := fmt.Sprintf("process %d on %s", r.PID, r.Host)
	if r.Job != "" {
		text += ", job " + r.Job
	}
	return text
}

func (l *Lease) path() string { return filepath.Join(l.dir, File) }

// SetProgress is what the heartbeats say of the work from now on.
func (l *Lease) SetProgress(p Progress) {
	for _, v := range []*float64{&p.Epoch, &p.Epochs, &p.Loss, &p.Rate, &p.Extra} {
		if math.IsNaN(*v) || math.IsInf(*v, 0) { // which JSON does not have
			*v = 0
		}
	}
	l.progress.Store(&p)
}

// Lost is the error of a lock that is known to be lost, nil of any other; it does no work.
func (l *Lease) Lost() error {
	if err := l.lost.Load(); err != nil {
		return *err
	}
	return nil
}

// Check makes sure that the folder is still locked, and is called before each write into it: ErrLost where it is not, another error
// where the lock could not be renewed for too long. A short failure of the file system is none.
func (l *Lease) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.beat()
	if lost := l.Lost(); lost != nil {
		return lost
	}
	if err == nil || l.sinceLast() < l.patience/2 {
		return nil
	}
	return fmt.Errorf("renewing the lock on %s: %w\nmake room or give the folder write permission, then give the same command again: it resumes", l.dir, err)
}

// sinceLast is the time since the last heartbeat, by the clock that counts more: one stands still while the machine sleeps.
func (l *Lease) sinceLast() time.Duration {
	now := l.now()
	return max(now.Sub(l.last), now.Round(0).Sub(l.last.Round(0)))
}

// beatOn beats until the lock is given back or lost.
func (l *Lease) beatOn() {
	for t := time.NewTicker(l.interval); ; {
		select {
		case <-l.stop:
			t.Stop()
			return
		case <-t.C:
			l.mu.Lock()
			_ = l.beat() // the next one tries again; Check tells a writer
			l.mu.Unlock()
			if l.Lost() != nil {
				t.Stop()
				return
			}
		}
	}
}

// end stops the heartbeats, and unlocks the folder where the lock was not lost.
func (l *Lease) end() {
	close(l.stop)
	l.stopped.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.beat() == nil && l.Lost() == nil { // after a heartbeat no other machine takes over for a while
		_ = os.Remove(l.path()) // what remains is found to be a dead process's
	}
}

// Release gives the lock back. Only the first call does something.
func (l *Lease) Release() (err error) {
	l.released.Do(func() {
		l.end()
		err = l.folder.Close()
	})
	return err
}

// sleep waits, or returns the context's error.
func (system) sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
