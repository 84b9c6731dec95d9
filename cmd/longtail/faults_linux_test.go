package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"longtail/internal/run"
)

var (
	disks = flag.Int("disks", 5, "full disks of TestFullDisks")
	calls = flag.Int("calls", 8, "failing system calls of TestFailingSystemCalls")
)

// place is the folder into which the tasks write.
const place = "place"

// task is a command that writes into place.
type task struct {
	args   []string
	before map[string][]byte // files in place that are there when it starts
	pages  int               // of a disk (4096 bytes) that is large enough for what it adds
	want   map[string][]byte // files in place when nothing fails
	out    string            // its output then
}

// tasks are run undisturbed once, which gives what they must end with.
func (c *campaign) tasks() []*task {
	interrupted := map[string][]byte{}
	for name, text := range c.good["i"] {
		interrupted["r/"+name] = text
	}
	training := append([]string{"train"}, settings(place+"/r")...)
	all := []*task{
		{args: training, pages: 900},
		{args: training, pages: 400, before: interrupted},
		{args: []string{"report", "runs/a", "--out", place + "/page.html"}, pages: 24, before: map[string][]byte{"page.html": []byte("old")}},
		{args: []string{"compare", "runs/a", "runs/b", "--out", place + "/pictures", "--json"}, pages: 100},
		{args: []string{"eval", "runs/a", "--out", place + "/pictures", "--json", "--device", "cpu"}, pages: 40},
	}
	for _, k := range all {
		c.empty()
		c.prepare(k)
		p := launch(longtail(k.args...))
		if p.code != 0 {
			c.t.Fatalf("%v undisturbed: %+v", k.args, p)
		}
		k.want, k.out = c.tree(), p.out
	}
	for name, text := range c.good["a"] {
		if want, ok := all[1].want["r/"+name]; ok && !bytes.Equal(want, text) {
			c.t.Fatalf("%s of the resumed run is not that of the whole one", name)
		}
	}
	return all
}

// empty makes place an empty folder.
func (c *campaign) empty() {
	if err := errors.Join(os.RemoveAll(place), os.Mkdir(place, 0o777)); err != nil {
		c.t.Fatal(err)
	}
}

// prepare puts the files of a task into an empty place.
func (c *campaign) prepare(k *task) {
	for name, text := range k.before {
		path := filepath.Join(place, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o777), os.WriteFile(path, text, 0o666)); err != nil {
			c.t.Fatal(err)
		}
	}
}

// tree returns the files in place that two equal commands write alike.
func (c *campaign) tree() map[string][]byte {
	files := map[string][]byte{}
	err := filepath.WalkDir(place, func(path string, entry fs.DirEntry, err error) error {
		name := filepath.Base(path)
		if err != nil || entry.IsDir() || name[0] == '.' || strings.HasPrefix(name, "events.") ||
			name == run.ConfigFile || name == run.TimingFile || name == run.EnvironmentFile {
			return err
		}
		relative, _ := filepath.Rel(place, path)
		files[relative], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return files
}

// launch runs a command in a process of its own; one that does not end has the exit code -1.
func launch(cmd *exec.Cmd) printed {
	var out, messages bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &messages
	if err := cmd.Start(); err != nil {
		return printed{-1, "", err.Error()}
	}
	late := time.AfterFunc(time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	cmd.Wait() // its error is the exit code
	return printed{cmd.ProcessState.ExitCode(), out.String(), messages.String()}
}

// done reports whether a task that ended without an error did its work.
func (c *campaign) done(k *task, p printed) bool {
	if p.code != 0 || !same(k.want, c.tree()) {
		return false
	}
	if k.args[0] != "train" {
		return p.out == k.out
	}
	return execute("verify", place+"/r").code == 0
}

// lost returns a file that a failed task should have left, or "".
func (k *task) lost() string {
	for name, was := range k.before {
		now, err := os.ReadFile(filepath.Join(place, name))
		switch {
		case err != nil:
			return name
		case strings.HasSuffix(name, ".safetensors"):
			if step(now) < step(was) {
				return name
			}
		case name == "r/"+run.MetricsFile:
			if !bytes.HasPrefix(now, was) {
				return name
			}
		case name == "page.html": // one that lacks what could not be read is whole, too
			if !bytes.Equal(now, was) && !bytes.HasSuffix(bytes.TrimSpace(now), []byte("</html>")) {
				return name
			}
		case k.want[name] != nil && !bytes.Equal(now, was) && !bytes.Equal(now, k.want[name]):
			return name
		}
	}
	return ""
}

// step returns that of a checkpoint, and -1 for one that cannot be read.
func step(checkpoint []byte) int {
	var p struct{ Step int }
	tensors, err := run.DecodeTensors(checkpoint)
	if err != nil || json.Unmarshal([]byte(tensors.Metadata["position"]), &p) != nil {
		return -1
	}
	return p.Step
}

// crash is a Go crash dump.
var crash = regexp.MustCompile(`(?m)^goroutine \d+`)

// judge looks at a disturbed task and gives the command again, undisturbed. A good one wrote what it should or ended with an error that
// clear accepts, left what was there, and ends with the same bytes when it is given again.
func (c *campaign) judge(k *task, p printed, clear func(printed) bool, again func() printed) (outcome, why string) {
	switch file := k.lost(); {
	case p.code == -1 || crash.MatchString(p.messages):
		return "silent", "it crashed"
	case file != "":
		return "lost", file
	case p.code == 0 && !c.done(k, p):
		return "silent", "it ended without an error, but not with the right files"
	case p.code == 0:
		return "harmless", ""
	case !clear(p):
		return "silent", "its error says too little"
	}
	if q := again(); !c.done(k, q) {
		return "lost", fmt.Sprintf("again: exit code %d, %s", q.code, q.messages)
	}
	return "noticed", ""
}

// count adds an outcome.
func (c *campaign) count(outcome, what, why string, p printed) {
	c.counts[outcome]++
	if outcome == "silent" || outcome == "lost" {
		c.t.Errorf("%s: %s: %s\nexit code %d, %s", what, outcome, why, p.code, p.messages)
	}
}

// TestFullDisks gives commands that write a disk with too little room, from none to enough, or with too few files: they must end with exit
// code 1 and name a file, and with the bytes of an undisturbed command when there is room.
func TestFullDisks(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	c := newCampaign(t)
	tasks := c.tasks()
	c.empty()
	if err := mount(0, 64<<20, 1000); err != nil {
		t.Skipf("mounting a file system in memory: %v", err)
	}
	if err := syscall.Unmount(place, 0); err != nil {
		t.Fatal(err)
	}
	for i := range *disks {
		c.fill(i, tasks[i%len(tasks)], i < len(tasks))
	}
	logCounts(t, "disks", *disks, c.counts)
}

// mount makes place a file system in memory with room for so many bytes and files; flags can be syscall.MS_REMOUNT.
func mount(flags uintptr, bytes, files int64) error {
	return syscall.Mount("none", place, "tmpfs", flags, fmt.Sprintf("size=%d,nr_inodes=%d", bytes, files))
}

// fill runs a task on a small disk, which can be full already, and again on a large one.
func (c *campaign) fill(i int, k *task, full bool) {
	const large, many = 64 << 20, 1000
	c.empty()
	if err := mount(0, large, many); err != nil {
		c.t.Fatal(err)
	}
	defer func() {
		if err := syscall.Unmount(place, 0); err != nil {
			c.t.Fatal(err)
		}
	}()
	c.prepare(k)
	var used syscall.Statfs_t
	if err := syscall.Statfs(place, &used); err != nil {
		c.t.Fatal(err)
	}
	pages, files := 0, int64(many)
	switch {
	case full:
	case c.random.IntN(5) > 0:
		pages = c.random.IntN(k.pages)
	default:
		pages, files = k.pages, int64(used.Files-used.Ffree)+c.random.Int64N(12)
	}
	room := max(int64(used.Blocks-used.Bfree)+int64(pages), 1) * int64(used.Bsize) // a size of 0 would be no limit
	if err := mount(syscall.MS_REMOUNT, room, files); err != nil {
		c.t.Fatal(err)
	}
	p := launch(longtail(k.args...))
	named := func(p printed) bool { return p.code == 1 && strings.Contains(p.messages, place+"/") }
	outcome, why := c.judge(k, p, named, func() printed {
		if err := mount(syscall.MS_REMOUNT, large, many); err != nil {
			c.t.Fatal(err)
		}
		return launch(longtail(k.args...))
	})
	c.count(outcome, fmt.Sprintf("disk %d, %d pages and %d files, %v", i, pages, files, k.args), why, p)
}

// The system calls that fail; strace knows those with a ? on some processors only.
var (
	failing = []string{
		"?open,openat", "read,pread64", "write,pwrite64", "fsync", "?rename,?renameat,?renameat2", "?newfstatat,?lstat,?stat,fstat,?statx",
		"?unlink,unlinkat", "ftruncate", "flock", "close", "getdents64", "?mkdir,mkdirat",
	}
	failures = []string{"EIO", "ENOSPC", "EINTR"}
)

// goRuntime is how the Go runtime ends where a call of its own fails, which no program can handle.
var goRuntime = regexp.MustCompile(`runtime: netpoll|runtime: eventfd|runtime: cannot allocate|error while loading shared libraries`)

// TestFailingSystemCalls lets one call of each thread of a command fail: the command must end with an error or with the right files, and
// with the bytes of an undisturbed command when it is given again.
func TestFailingSystemCalls(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	c := newCampaign(t)
	p := launch(strace("write", "EIO", 1000, []string{"version"}))
	if p.code != 0 {
		t.Skipf("strace is missing (apt-get install strace) or must not look into processes: %s", p.messages)
	}
	tasks := c.tasks()
	for i := range *calls {
		c.fail(i, tasks[i%len(tasks)])
	}
	logCounts(t, "calls", *calls, c.counts)
}

// strace is the program with failing calls: the nth of each thread.
func strace(call, failure string, n int, args []string) *exec.Cmd {
	inject := fmt.Sprintf("inject=%s:error=%s:when=%d", call, failure, n)
	return exec.Command("strace", append([]string{"-f", "-qq", "-o", "trace", "-e", "trace=" + call, "-e", inject, "longtail"}, args...)...)
}

// fail runs a task with failing calls, and again without. Where a thread makes fewer calls than drawn, an earlier one fails.
func (c *campaign) fail(i int, k *task) {
	call, failure := failing[c.random.IntN(len(failing))], failures[c.random.IntN(len(failures))]
	for n := 1 + c.random.IntN(30); n > 0; n /= 2 {
		c.empty()
		c.prepare(k)
		p := launch(strace(call, failure, n, k.args))
		trace, err := os.ReadFile("trace")
		if err != nil {
			c.t.Fatal(err)
		}
		if !bytes.Contains(trace, []byte("(INJECTED)")) {
			continue
		}
		if goRuntime.MatchString(p.messages) {
			p.messages = "the Go runtime failed"
		}
		// The message itself may be what could not be written.
		said := func(p printed) bool { return p.messages != "" || strings.HasPrefix(call, "write") }
		outcome, why := c.judge(k, p, said, func() printed { return launch(longtail(k.args...)) })
		if k.before["r/"+run.Last] != nil && outcome == "harmless" && call != failing[2] && !strings.Contains(p.messages, "resumes after step") {
			outcome, why = "lost", "the run began anew"
		}
		c.count(outcome, fmt.Sprintf("call %d, %s fails with %s at %d, %v", i, call, failure, n, k.args), why, p)
		return
	}
	c.counts["harmless"]++ // the command makes no such call
}
