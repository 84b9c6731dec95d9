package train

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"longtail/data"
	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// open locks the run's folder and compares the config in it with this one.
func (k *recorder) open(ctx context.Context, c *config.Config) (err error) {
	if k.folder, err = run.OpenContext(ctx, c.Out); err != nil {
		return err
	}
	if err := k.compareConfig(c); err != nil {
		return err
	}
	k.ours = true
	return nil
}

// compareConfig compares the config of the run that is in the folder, where there is one, with this one. A precision that is left open is
// the one that the run began with.
func (k *recorder) compareConfig(c *config.Config) (err error) {
	path := filepath.Join(c.Out, run.ConfigFile)
	if !run.Exists(path) {
		return nil
	}
	if k.began, err = config.LoadRun(path); err != nil {
		return fmt.Errorf("the config of the run that is in %s: %w", c.Out, err)
	}
	if differs := c.Conflict(k.began); differs != "" {
		return fail.Usage("%s holds a run with another config.yaml: %s\nname another folder with out=FOLDER, or give the values of the run that is there",
			c.Out, differs)
	}
	if c.Precision == device.Auto {
		c.Precision = k.began.Precision
	}
	return nil
}

// close gives the folder's lock back.
func (k *recorder) close() {
	if k.folder != nil {
		k.folder.Close() // only a lock: nothing is lost
	}
}

// resume loads the checkpoint, truncates metrics to match, and writes missing files.
func (k *recorder) resume(job *Job, w *openJob, observe Observer) (err error) {
	if k.id, err = NewIdentity(job.Config, w.data.Split); err != nil {
		return err
	}
	k.result = func(p Position) run.Summary { return summary(job.Config, w.data, w.programs.Parameters, p) }
	if err := k.compareSplit(w.data.Split); err != nil {
		return err
	}
	if w.From, err = k.checkpoint(w); err != nil {
		return err
	}
	if k.lines, err = k.folder.CutEpochs(w.From.Records, w.From.Metrics); err != nil {
		return err
	}
	if err := k.describe(job.Config, w.data.Split); err != nil {
		return err
	}
	if err := k.folder.Remove(run.FailureFile); err != nil {
		return err
	}
	if w.From.Step == w.steps && k.folder.Has(run.EnvironmentFile) { // nothing is left to compute
		_, err := k.folder.ReadEnvironment(k.fingerprint)
		return err
	}
	return k.recordPart(job.device.Info(), w.From.Step, observe)
}

// checkpoint is the last one, or the start where there is none.
func (k *recorder) checkpoint(w *openJob) (*Checkpoint, error) {
	if k.folder.Has(run.Last) {
		c, err := ReadCheckpoint(k.folder.Path(run.Last), k.id, w.steps, w.Classes)
		if errors.Is(err, fs.ErrPermission) {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, k.recoveryHint())
		}
		if err := device.CheckState(device.StateShapes(w.programs.Train), c.State); err != nil {
			return nil, fail.Data("checkpoint %s does not fit the run's network: %w\n%s", k.folder.Path(run.Last), err, k.recoveryHint())
		}
		if err := checkInit(w.Config, k.folder.Dir, c.Init); err != nil {
			return nil, err
		}
		return c, k.checkBest(c, w)
	}
	if k.folder.Has(run.MetricsFile) {
		// A process that is killed before its first checkpoint leaves one line at most.
		if epochs, err := run.ReadEpochs(k.folder.Path(run.MetricsFile)); err != nil || len(epochs) > 1 {
			return nil, fail.Data("%s is missing, but %s has epochs\n%s", k.folder.Path(run.Last), run.MetricsFile, k.recoveryHint())
		}
	}
	return startFrom(w.Config, w.Classes, w.programs.Initial)
}

// checkBest reads the best checkpoints, which the end of the run seals: what is damaged or another one would be sealed with it.
func (k *recorder) checkBest(last *Checkpoint, w *openJob) error {
	for _, name := range Checkpoints()[1:] {
		path := k.folder.Path(checkpoints[name])
		if !run.Exists(path) {
			recorded := last.best(name)
			if recorded != nil && run.WasRemoved(k.folder.Dir, checkpoints[name]) {
				return fail.Data("%s was removed by --keep last once the run was done, and %s is not there: without it the result cannot be written again\n%s", path, run.SummaryFile, startAgain(k.folder.Dir))
			}
			if recorded != nil && last.Metrics != "" {
				return fail.Data("%s is missing: the last checkpoint says that it was written at step %d\n%s", path, recorded.Step, k.bestHint())
			}
			continue // runs of earlier versions may be without it
		}
		c, err := ReadCheckpoint(path, k.id, w.steps, w.Classes)
		if err != nil {
			return fmt.Errorf("%w\n%s", err, k.bestHint())
		}
		if err := c.isRecorded(name, &last.Position); err != nil {
			return fail.Data("checkpoint %s: %w\n%s", path, err, k.bestHint())
		}
	}
	return nil
}

// bestHint is what to do about a best checkpoint that cannot be used.
func (k *recorder) bestHint() string {
	return fmt.Sprintf("restore the file from a copy, or start this run again from nothing: remove %s and give the same command", k.folder.Dir)
}

func startAgain(dir string) string {
	return fmt.Sprintf("restore %s from a copy, or start this run again from nothing: remove %s and give the same command", run.SummaryFile, dir)
}

// recoveryHint is what to do about a checkpoint that cannot be used.
func (k *recorder) recoveryHint() string {
	restart := fmt.Sprintf("to start again from nothing: remove %s and give the same command", k.folder.Dir)
	if !k.folder.Has(run.Best) {
		return restart
	}
	return fmt.Sprintf("to resume from the best checkpoint: cp %s %s\n%s", k.folder.Path(run.Best), k.folder.Path(run.Last), restart)
}

// compareSplit checks that a run resumes with the images it began with.
func (k *recorder) compareSplit(split data.Split) error {
	path := k.folder.Path(run.SplitFile)
	if !run.Exists(path) {
		return nil
	}
	began, err := data.ReadSplit(path)
	if err != nil {
		// The checkpoint knows the checksum of its split, so a wrong one cannot slip in.
		return fmt.Errorf("the run's own split: %w\nremove %s and give the same command: it is written anew", err, path)
	}
	a, errA := json.Marshal(began)
	b, errB := json.Marshal(split)
	if err := errors.Join(errA, errB); err != nil {
		return fmt.Errorf("comparing splits: %w", err)
	}
	if began.Source != split.Source {
		return otherSource(k.folder.Dir, split.Dataset, began.Source, split.Source)
	}
	if !bytes.Equal(a, b) {
		return fail.Usage("the run in %s was begun on other images than those of this data set and data.split_file\nname another folder with out=FOLDER, or give the split that it began with",
			k.folder.Dir)
	}
	return nil
}

// otherSource is the error of a run whose file of images was replaced.
func otherSource(dir, dataset, began, found string) error {
	return fail.Usage("the run in %s was begun on another file of images than %s is now: its checksum was %s and is %s\nname another folder with out=FOLDER, or restore the file that it began with",
		dir, dataset, began, found)
}

// checkSource returns an error where the file of images that a finished run was trained on was replaced. What a split.json that cannot be
// read says, the seal of the run knows.
func checkSource(c *config.Config, dir string) error {
	if !data.IsFile(c.Data.Dataset) {
		return nil
	}
	set, err := data.Lookup(c.Data.Dataset)
	if err != nil {
		return err
	}
	split, err := data.ReadSplit(filepath.Join(dir, run.SplitFile))
	if err != nil || split.Source == set.Source {
		return err
	}
	return otherSource(dir, set.Name, split.Source, set.Source)
}

// describe writes config.yaml, split.json and input.json where they are missing, and keeps them in memory. A folder that was moved gets its own
// place into the config; a config.yaml that lacks keys is completed, and a split that is written in another way is written in this one:
// equal runs have equal seals.
func (k *recorder) describe(c *config.Config, split data.Split) error {
	written := c
	if k.began != nil {
		written = k.began.Clone()
		written.Out, written.Precision = c.Out, c.Precision
	}
	var err error
	if k.fingerprint, err = config.Fingerprint(written.YAML()); err != nil {
		return err
	}
	there, err := config.FingerprintFile(k.folder.Path(run.ConfigFile))
	if err != nil || there != k.fingerprint || k.began != nil && k.began.Out != c.Out {
		if err := k.folder.Write(run.ConfigFile, written.YAML()); err != nil {
			return err
		}
	}
	if err := split.Write(k.folder.Path(run.SplitFile)); err != nil {
		return err
	}
	if err := k.describeInput(c); err != nil {
		return err
	}
	k.texts = map[string][]byte{}
	for _, name := range []string{run.ConfigFile, run.SplitFile, run.InputFile} {
		text, err := os.ReadFile(k.folder.Path(name))
		if err != nil {
			return fmt.Errorf("reading what describes the run: %w", err)
		}
		k.texts[name] = text
	}
	return nil
}

// describeInput writes what the network must be told to look at new images.
func (k *recorder) describeInput(c *config.Config) error {
	record, err := registeredInput(c)
	if err != nil {
		return err
	}
	text, err := record.Encode(k.fingerprint)
	if err != nil {
		return err
	}
	return k.folder.Write(run.InputFile, text)
}

// recordPart writes environment.json: this process, and all that took part in the run. It remarks on a run that resumes with
// other arithmetic or another build.
func (k *recorder) recordPart(on device.Info, step int, observe Observer) error {
	before, err := k.folder.ReadEnvironment(k.fingerprint)
	if err != nil {
		return fmt.Errorf("reading what has computed the run so far: %w", err)
	}
	e := run.NewEnvironment()
	e.Device, e.GPU, e.Driver, e.Started = on.Description, on.GPU, on.GPUDriver, time.Now().Format(time.RFC3339)
	now := run.Part{FromStep: step, Arithmetic: on.Arithmetic, Device: on.Description, Version: e.Version, Commit: e.Commit, Host: e.Host}
	var changed *run.Part
	if e.TookPart, changed = run.Join(before.TookPart, now); changed != nil {
		text := fmt.Sprintf("resumes at step %d with %s; the steps before were computed by %s: rounding may differ from a run by either alone", step, now, changed)
		if err := observe(Remark{text}); err != nil {
			return err
		}
	}
	return k.folder.WriteEnvironment(e, k.fingerprint)
}

// explain adds to the end of a run what remains of it.
func (k *recorder) explain(err error) error {
	if fail.Code(err) != fail.CodeDiverged {
		return err
	}
	good := "no checkpoint was written before"
	if k.folder.Has(run.Last) {
		good = "the last good checkpoint is " + k.folder.Path(run.Last)
	}
	return fmt.Errorf("%w\n%s\ntry a lower train.lr or a longer train.warmup_epochs, in another folder with out=FOLDER", err, good)
}

// recordFailure leaves why the run failed in its folder. A run that was interrupted, or that another process took over, did not fail, and
// what is wrong with another run's folder is not for this one to write there.
func (k *recorder) recordFailure(ctx context.Context, err error) {
	if k.folder == nil || !k.ours || !k.folder.Has(run.ConfigFile) || k.folder.Has(run.SummaryFile) {
		return
	}
	if ctx.Err() != nil || fail.Code(err) == fail.CodeInterrupted || errors.Is(err, run.ErrBusy) {
		return
	}
	_ = k.folder.WriteFailure(err, run.NewEnvironment().Host) // the error itself is what counts
}
