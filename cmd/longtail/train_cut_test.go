package main

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/internal/fail"
)

// A packed file that is cut off while a run trains on it ends the run with exit code 4 and the file's name, and a copy that takes its place
// lets the run resume to the bytes of one that was left alone.
func TestPackedFilesThatAreCutOffDuringATraining(t *testing.T) {
	folder := t.TempDir()
	shapes, pack := filepath.Join(folder, "shapes"), filepath.Join(folder, "shapes.pack")
	mustSucceed(t, longtail("data", "draw", "--out", shapes, "--classes", "3", "--size", "40", "--images", "80", "--imbalance", "2"))
	mustSucceed(t, longtail("data", "pack", shapes, "--size", "40", "--test", "0.25", "--out", pack))
	content, err := os.ReadFile(pack)
	if err != nil {
		t.Fatal(err)
	}
	training := func(out string) []string {
		return []string{"train", "data.dataset=" + pack, "data.crop=random_resized", "data.validation=0.1", "model.name=resnet8", "train.batch=32", "train.epochs=20", "--device", "cpu", "out=" + out}
	}
	whole, dir := filepath.Join(folder, "whole"), filepath.Join(folder, "cut")
	mustSucceed(t, longtail(training(whole)...))
	cmd := longtail(append(training(dir), "--json")...)
	out, messages := start(t, cmd)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), `"epoch"`) {
			if err := os.Truncate(pack, 8192); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait() // its error is the exit code
	text := messages.String()
	if code := cmd.ProcessState.ExitCode(); code != fail.CodeData || !strings.Contains(text, pack) || !strings.Contains(text, "cut off") || strings.Contains(text, "goroutine") {
		t.Fatalf("exit code %d\n%s", code, text)
	}
	if err := os.WriteFile(pack, content, 0o666); err != nil {
		t.Fatal(err)
	}
	mustSucceed(t, longtail(training(dir)...))
	sameRun(t, whole, dir)
}
