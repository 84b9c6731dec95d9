package cudatest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const leave = "LONGTAIL_TEST_LEAVE_OUT"

func TestMain(m *testing.M) {
	if os.Getenv(leave) != "" {
		leaveOut("a test asked for it")
	}
	exit(m)
}

func TestLeftOutTestsAreLoudAndFailInCI(t *testing.T) {
	for _, test := range []struct {
		ci     string
		passes bool
	}{{"", true}, {"true", false}} {
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), leave+"=1", "CI="+test.ci)
		out, err := command.CombinedOutput()
		if (err == nil) != test.passes || !strings.Contains(string(out), "*** LEFT OUT") {
			t.Errorf("CI=%q: %v, %s", test.ci, err, out)
		}
	}
}

func TestNewerSourceIsFound(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"a.cu", "b.h", "c.txt"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	moment := time.Now().Add(time.Hour)
	for _, test := range []struct {
		touched, want string
	}{{"", ""}, {"c.txt", ""}, {"b.h", "b.h"}} {
		if test.touched != "" {
			later := moment.Add(time.Hour)
			if err := os.Chtimes(filepath.Join(folder, test.touched), later, later); err != nil {
				t.Fatal(err)
			}
		}
		newer, err := newerThan(moment, folder)
		if err != nil || (newer != "" || test.want != "") && filepath.Base(newer) != test.want {
			t.Errorf("%q touched: %q, %v", test.touched, newer, err)
		}
	}
}
