package slurm

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/train/sweep"
)

// waiting has Launch wait, and lists what it observes.
func waiting(events *[]string) func(*sweep.Options) {
	return func(o *sweep.Options) {
		o.Remote.Wait = true
		o.Observe = func(e sweep.Event) {
			told := fmt.Sprintf("%d ", e.Run)
			switch train := e.Train.(type) {
			case nil:
				if e.Result != nil {
					told += string(e.Result.State)
				} else {
					told += "begins"
				}
			default:
				told += strings.TrimPrefix(fmt.Sprintf("%T", train), "train.")
			}
			*events = append(*events, told)
		}
	}
}

func TestWaitingEndsWithTheResultsOfALocalSweep(t *testing.T) {
	f, out := newFake(t), t.TempDir()
	first := launchSweep(t, t.Context(), four, out, nil)
	trainFolders(t, foldersOf(t, first.Script, 0)...)
	trainFolders(t, foldersOf(t, first.Script, 1)...)
	f.end(1, 0)
	var events []string
	go func() {
		for _, i := range []int{2, 3} {
			trainFolders(t, foldersOf(t, first.Script, i)...)
			f.end(1, i)
		}
	}()
	s := launchSweep(t, t.Context(), four, out, waiting(&events))
	wantStates(t, s, sweep.Done, sweep.Done, sweep.Done, sweep.Done)
	if !s.results[0].Before || s.results[3].Before || s.results[3].Summary == nil || f.jobs() != 1 {
		t.Errorf("results %+v", s.results)
	}
	if all := strings.Join(events, ","); !strings.Contains(all, "3 begins,3 Started") || !strings.Contains(all, "3 done") || strings.Contains(all, "0 ") {
		t.Errorf("events %s", all)
	}
}

func TestRunWhoseJobEndedWithoutItFailedForTheReasonInItsLog(t *testing.T) {
	f, out := newFake(t), t.TempDir()
	first := launchSweep(t, t.Context(), four, out, nil)
	for i := range 3 {
		trainFolders(t, foldersOf(t, first.Script, i)...)
		f.end(1, i)
	}
	name := first.plans[3].Name
	log := filepath.Join(out, Folder, "1_3.log")
	if err := disk.Write(log, []byte("x\n"+name+" failed: the first reason\n"+name+" failed: no images\ny\n")); err != nil {
		t.Fatal(err)
	}
	var events []string
	o := sweep.Options{Jobs: 1, Remote: sweep.Remote{Grid: first.grid}}
	waiting(&events)(&o)
	l := newLaunch(first.plans, o)
	l.pace = pace{look: 20 * time.Millisecond, ask: 200 * time.Millisecond}
	if err := l.submit(t.Context()); err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Second, func() { f.write("queue", "") })
	err := l.wait(t.Context())
	if err == nil || fail.Code(err) != fail.CodeFailed || !strings.Contains(err.Error(), "1 of 4 runs failed:\n  "+name+": no images") || !strings.Contains(err.Error(), log) {
		t.Error(err)
	}
	if all := strings.Join(events, ","); !strings.HasPrefix(all, "0 begins,0 done,1 begins") || !strings.HasSuffix(all, "3 failed") {
		t.Errorf("events %s", all)
	}
}

func TestInterruptedWaitLeavesTheJobs(t *testing.T) {
	f := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	var events []string
	s := launchSweep(t, ctx, four, t.TempDir(), waiting(&events))
	if fail.Code(s.err) != fail.CodeInterrupted || !strings.Contains(s.err.Error(), "0 of 4 runs done: Slurm continues") || !strings.Contains(s.err.Error(), "scancel 1") {
		t.Error(s.err)
	}
	if strings.Count(f.read("queue"), "\n") != 4 {
		t.Errorf("the queue is %q", f.read("queue"))
	}
}
