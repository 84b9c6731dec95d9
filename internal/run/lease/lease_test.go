package lease

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// machine is a simulated one: a kernel and a clock of its own. Its file system has no flock unless a test gives it one.
func machine(name string, skew time.Duration) system {
	s := thisSystem()
	s.name, s.boot, s.spaces, s.pid, s.job = name, "boot of "+name, "pid:[1]", 1, ""
	s.start = func(int) (string, error) { return "", nil }
	s.now = func() time.Time { return time.Now().Add(skew) }
	s.flock = func(*os.File) error { return syscall.EOPNOTSUPP }
	s.interval, s.patience, s.glance = 20*time.Millisecond, 2*time.Second, 5*time.Millisecond
	return s
}

// impatient is a machine whose patience is short: for holders that do not beat.
func impatient(name string, skew time.Duration) system {
	s := machine(name, skew)
	s.patience = 100 * time.Millisecond
	return s
}

func acquire(t testing.TB, s system, dir string) *Lease {
	t.Helper()
	l, err := s.acquire(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// suspend stops the heartbeats, as if the process were stopped; Check is what it does when it wakes up.
func suspend(l *Lease) {
	l.stop <- struct{}{}
	l.stopped.Wait()
}

// release gives back what suspend stopped.
func release(t testing.TB, l *Lease) {
	t.Helper()
	if err := l.Release(); err != nil {
		t.Error(err)
	}
}

// wantEmpty checks that nothing of the package is left in a folder.
func wantEmpty(t testing.TB, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestLockIsGivenBack(t *testing.T) {
	dir := t.TempDir()
	for range 3 {
		l := acquire(t, thisSystem(), dir)
		r, _, err := Read(dir)
		if alive, known := r.Alive(); err != nil || r.PID != os.Getpid() || r.Beat < 1 || runtime.GOOS == "linux" && !(alive && known) {
			t.Errorf("%+v, %v", r, err)
		}
		release(t, l)
		wantEmpty(t, dir)
	}
}

func TestSecondProcessOfThisMachineIsToldAtOnce(t *testing.T) {
	dir := t.TempDir()
	l := acquire(t, thisSystem(), dir)
	defer release(t, l)
	start := time.Now()
	_, err := Acquire(t.Context(), dir)
	if !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), fmt.Sprintf("process %d on", os.Getpid())) || time.Since(start) > interval {
		t.Errorf("after %v: %v", time.Since(start), err)
	}
}

// The clocks of the two machines differ by a day, either way, and so do the times of files.
func TestLivingHolderElsewhereKeepsItsFolder(t *testing.T) {
	for _, skew := range []time.Duration{-24 * time.Hour, 0, 24 * time.Hour} {
		dir := t.TempDir()
		l := acquire(t, machine("a", 0), dir)
		old := time.Now().Add(-skew)
		if err := os.Chtimes(l.path(), old, old); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if _, err := machine("b", skew).acquire(t.Context(), dir); !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "process 1 on a") {
				t.Errorf("skew %v: %v", skew, err)
			}
		}
		if err := l.Check(); err != nil {
			t.Errorf("skew %v: the holder is disturbed: %v", skew, err)
		}
		release(t, l)
		wantEmpty(t, dir)
	}
}

func TestSilentHolderElsewhereIsTakenOver(t *testing.T) {
	for _, skew := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
		dir := t.TempDir()
		a := acquire(t, machine("a", 0), dir)
		suspend(a)
		start := time.Now()
		b := acquire(t, impatient("b", skew), dir)
		if waited := time.Since(start); waited < 100*time.Millisecond {
			t.Errorf("taken over after %v", waited)
		}
		before, err := os.ReadFile(b.path())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := a.Check(); !errors.Is(err, ErrLost) || !errors.Is(err, ErrHeld) || !strings.Contains(err.Error(), "process 1 on b took it over") {
				t.Errorf("the suspended holder: %v", err)
			}
		}
		if a.Lost() == nil {
			t.Error("the loss is forgotten")
		}
		release(t, a)
		if after, err := os.ReadFile(b.path()); err != nil || len(after) != len(before) || !strings.Contains(string(after), b.record.Token) {
			t.Errorf("the suspended holder changed the lock: %s, %v", after, err)
		}
		if err := b.Check(); err != nil {
			t.Errorf("the new holder: %v", err)
		}
		release(t, b)
		wantEmpty(t, dir)
	}
}

// It wakes up after the taker has ended too, and after others came.
func TestSuspendedHolderFindsTheLockGone(t *testing.T) {
	dir := t.TempDir()
	a := acquire(t, machine("a", 0), dir)
	suspend(a)
	release(t, acquire(t, impatient("b", 0), dir))
	if err := a.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("%v", err)
	}
	release(t, a)
	wantEmpty(t, dir)
}

func TestOfTwoTakersOneSucceeds(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		a := acquire(t, machine("a", 0), dir)
		suspend(a)
		var at, most, won atomic.Int32
		var takers sync.WaitGroup
		for i := range 6 {
			takers.Go(func() {
				l, err := impatient(fmt.Sprint("taker", i), time.Duration(i)*time.Hour).acquire(t.Context(), dir)
				if errors.Is(err, ErrHeld) {
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				won.Add(1)
				most.Store(max(most.Load(), at.Add(1)))
				time.Sleep(30 * time.Millisecond)
				if err := l.Check(); err == nil {
					at.Add(-1)
				} else if !errors.Is(err, ErrLost) {
					t.Error(err)
				}
				release(t, l)
			})
		}
		takers.Wait()
		if most.Load() != 1 || won.Load() < 1 {
			t.Errorf("%d of 6 won, %d at once", won.Load(), most.Load())
		}
		if err := a.Check(); !errors.Is(err, ErrLost) {
			t.Errorf("the suspended holder: %v", err)
		}
		release(t, a)
		wantEmpty(t, dir)
	}
}

// A taker that judged a holder long ago must not succeed the one that came after it.
func TestLateTakerWithdraws(t *testing.T) {
	dir := t.TempDir()
	a := acquire(t, machine("a", 0), dir)
	suspend(a)
	late := &Lease{system: machine("late", 0), dir: dir, stop: make(chan struct{})}
	late.record = late.newRecord(false)
	chain, err := late.chain()
	if err != nil || len(chain) != 1 {
		t.Fatal(chain, err)
	}
	if err := a.Check(); err != nil { // it was not dead
		t.Fatal(err)
	}
	if done, err := late.succeed(chain[0]); done || err != nil {
		t.Errorf("a holder that beat again: %v, %v", done, err)
	}
	if err := a.Check(); err != nil {
		t.Errorf("after a taker that withdrew: %v", err)
	}
	suspend := a
	b := acquire(t, impatient("b", 0), dir)
	if done, err := late.succeed(chain[0]); done || err != nil {
		t.Errorf("a holder that was succeeded: %v, %v", done, err)
	}
	release(t, suspend)
	if err := b.Check(); err != nil {
		t.Errorf("the new holder: %v", err)
	}
	release(t, b)
	wantEmpty(t, dir)
}

// A taker that was killed between its claim and the renaming is the holder, and is succeeded in turn.
func TestTakerThatDiedIsSucceeded(t *testing.T) {
	dir := t.TempDir()
	a := acquire(t, machine("a", 0), dir)
	suspend(a)
	dead := &Lease{system: machine("dead", 0), dir: dir, stop: make(chan struct{})}
	dead.record = dead.newRecord(false)
	if created, err := dead.create(dead.claim(a.record.Token)); !created || err != nil {
		t.Fatal(created, err)
	}
	if err := a.Check(); !errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "on dead took it over") {
		t.Errorf("the holder: %v", err)
	}
	release(t, a)
	b := acquire(t, impatient("b", 0), dir)
	if err := b.Check(); err != nil {
		t.Error(err)
	}
	release(t, b)
	wantEmpty(t, dir)
}

func TestContenders(t *testing.T) {
	dir := t.TempDir()
	var at, turns atomic.Int32
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for range 5 {
				l, err := machine(fmt.Sprint(i), 0).acquire(t.Context(), dir)
				if errors.Is(err, ErrHeld) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if at.Add(1) != 1 {
					t.Error("two at once")
				}
				turns.Add(1)
				if err := l.Check(); err != nil {
					t.Error(err)
				}
				at.Add(-1)
				release(t, l)
			}
		})
	}
	all.Wait()
	if turns.Load() == 0 {
		t.Error("no process had a turn")
	}
	wantEmpty(t, dir)
}

func TestFileSystemsWithoutLinks(t *testing.T) {
	dir := t.TempDir()
	s := machine("a", 0)
	s.link = func(string, string) error { return syscall.EPERM }
	l := acquire(t, s, dir)
	other := impatient("b", 0)
	other.link = s.link
	if _, err := func() (*Lease, error) { o := other; o.patience = 2 * time.Second; return o.acquire(t.Context(), dir) }(); !errors.Is(err, ErrHeld) {
		t.Errorf("%v", err)
	}
	suspend(l)
	b := acquire(t, other, dir)
	if err := l.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("%v", err)
	}
	release(t, l)
	release(t, b)
	wantEmpty(t, dir)
}

// What a power cut leaves may be empty or half a record.
func TestDamagedLockIsTakenOver(t *testing.T) {
	for _, text := range []string{"", "{", `{"token": ""}`, "null", strings.Repeat("\x00", recordBytes)} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, File), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		release(t, acquire(t, impatient("a", 0), dir))
		wantEmpty(t, dir)
	}
}

// Names of files are made of tokens: what is none must not lead out of the folder, nor in a circle.
func TestForgedTokensLeadNowhere(t *testing.T) {
	outer := t.TempDir()
	dir := filepath.Join(outer, "run")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, File), []byte(`{"token": "x/../../../stolen", "host": "a"}`), 0o666); err != nil {
		t.Fatal(err)
	}
	release(t, acquire(t, impatient("b", 0), dir))
	wantEmpty(t, dir)
	for _, name := range []string{File, "." + File + ".t1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(`{"token": "t1"}`), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := impatient("b", 0).acquire(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "without an end") {
		t.Errorf("a circle: %v", err)
	}
}

func TestWaitingCanBeCancelled(t *testing.T) {
	dir := t.TempDir()
	a := acquire(t, machine("a", 0), dir)
	suspend(a)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	s := machine("b", 0)
	s.patience = time.Hour
	if _, err := s.acquire(ctx, dir); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if err := a.Check(); err != nil {
		t.Errorf("the holder: %v", err)
	}
	release(t, a)
}

// A watcher that was suspended itself must not take the time for the holder's silence.
func TestWhatAWatcherMissedDoesNotCount(t *testing.T) {
	dir := t.TempDir()
	a := acquire(t, machine("a", 0), dir)
	suspend(a)
	s := machine("b", 0)
	s.patience = 500 * time.Millisecond
	var looks atomic.Int32
	s.now = func() time.Time { return time.Now().Add(time.Duration(looks.Add(1)) * time.Hour) }
	start := time.Now()
	b := acquire(t, s, dir)
	if waited := time.Since(start); waited < s.patience/2 {
		t.Errorf("taken over after %v", waited)
	}
	release(t, a)
	release(t, b)
}

func TestBriefFailuresOfTheFileSystemAreNone(t *testing.T) {
	dir := t.TempDir()
	l := acquire(t, machine("a", 0), dir)
	suspend(l)
	aside := filepath.Join(t.TempDir(), "aside")
	if err := os.Rename(l.path(), aside); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(l.path(), 0o777); err != nil { // which cannot be opened for writing
		t.Fatal(err)
	}
	if err := l.Check(); err != nil || l.Lost() != nil {
		t.Errorf("%v", err)
	}
	l.last = l.last.Add(-l.patience)
	if err := l.Check(); err == nil || errors.Is(err, ErrLost) || !strings.Contains(err.Error(), "renewing the lock") {
		t.Errorf("after a long failure: %v", err)
	}
	if err := errors.Join(os.Remove(l.path()), os.Rename(aside, l.path())); err != nil {
		t.Fatal(err)
	}
	if err := l.Check(); err != nil {
		t.Errorf("once it works again: %v", err)
	}
	release(t, l)
	wantEmpty(t, dir)
}

func TestProgressIsTold(t *testing.T) {
	dir := t.TempDir()
	s := machine("a", 0)
	s.job = strings.Repeat("\x01", 5000)
	l := acquire(t, s, dir)
	defer release(t, l)
	nan := 0.0
	l.SetProgress(Progress{Step: 3, Steps: 9, Epoch: 0.5, Loss: nan / nan})
	if err := l.Check(); err != nil {
		t.Fatal(err)
	}
	r, _, err := Read(dir)
	if err != nil || r.Progress == nil || *r.Progress != (Progress{Step: 3, Steps: 9, Epoch: 0.5}) || r.Beat < 2 {
		t.Errorf("%+v, %v", r, err)
	}
	if info, err := os.Stat(l.path()); err != nil || info.Size() != recordBytes {
		t.Errorf("%v, %v", info.Size(), err)
	}
}

func TestJobsOfSchedulers(t *testing.T) {
	for want, env := range map[string]map[string]string{
		"":       {},
		"12":     {"SLURM_JOB_ID": "12"},
		"11_3":   {"SLURM_JOB_ID": "14", "SLURM_ARRAY_JOB_ID": "11", "SLURM_ARRAY_TASK_ID": "3"},
		"7.head": {"PBS_JOBID": "7.head"},
	} {
		if got := schedulerJob(func(key string) string { return env[key] }); got != want {
			t.Errorf("%v is job %q, want %q", env, got, want)
		}
	}
}

// Processes of one kernel without flock: what is dead is known.
func TestDeadProcessOfThisMachineIsTakenOverAtOnce(t *testing.T) {
	for name, start := range map[string]func(int) (string, error){
		"none":    func(int) (string, error) { return "", os.ErrNotExist },
		"another": func(int) (string, error) { return "later", nil },
	} {
		dir := t.TempDir()
		s := machine("a", 0)
		s.start = func(int) (string, error) { return "first", nil }
		a := acquire(t, s, dir)
		suspend(a)
		s.start, s.patience = start, time.Hour
		b := acquire(t, s, dir)
		if err := a.Check(); !errors.Is(err, ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
		release(t, a)
		release(t, b)
	}
}

// TestMain makes this program a holder that waits to be killed, where a test asks for one.
func TestMain(m *testing.M) {
	dir := os.Getenv("LEASE_TEST_DIR")
	if dir == "" {
		os.Exit(m.Run())
	}
	s := thisSystem()
	if os.Getenv("LEASE_TEST_FLOCK") == "" {
		s.flock = func(*os.File) error { return syscall.ENOLCK }
	}
	if _, err := s.acquire(context.Background(), dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("locked")
	select {}
}

// With flock and without: the killed holder's folder is free at once.
func TestKilledProcessLeavesAFreeFolder(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("whether a process lives is known on Linux")
	}
	for _, flock := range []string{"", "yes"} {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), "LEASE_TEST_DIR="+dir, "LEASE_TEST_FLOCK="+flock)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		said := make([]byte, 100)
		if n, _ := out.Read(said); string(said[:n]) != "locked\n" {
			t.Fatalf("%q", said[:n])
		}
		s := thisSystem()
		if flock == "" {
			s.flock = func(*os.File) error { return syscall.ENOLCK }
		}
		if _, err := s.acquire(t.Context(), dir); !errors.Is(err, ErrHeld) {
			t.Errorf("flock %q, while it lives: %v", flock, err)
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		cmd.Wait() // its error is the kill
		start := time.Now()
		l := acquire(t, s, dir)
		if waited := time.Since(start); waited > interval {
			t.Errorf("flock %q: free after %v", flock, waited)
		}
		release(t, l)
		wantEmpty(t, dir)
	}
}
