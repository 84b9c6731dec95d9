package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"longtail/internal/config"
	"longtail/internal/device"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"
	"longtail/train"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// keyFlags are the flags that stand for keys of the config.
type keyFlags struct{ device, precision, seed, out string }

func (k *keyFlags) add(f *pflag.FlagSet) {
	f.StringVar(&k.device, "device", "", "auto, cpu or cuda (the config's key device)")
	f.StringVar(&k.precision, "precision", "", "auto, fp32 or mixed (the config's key precision)")
	f.StringVar(&k.seed, "seed", "", "of initial values, order, crops and flips (the config's key seed)")
	f.StringVar(&k.out, "out", "", "the run's folder (the config's key out; default: runs/ and a name made of the config)")
}

// overrides are the flags that were given, as key=value.
func (k *keyFlags) overrides() []string {
	var all []string
	for _, f := range [][2]string{{"device", k.device}, {"precision", k.precision}, {"seed", k.seed}, {"out", k.out}} {
		if f[1] != "" {
			all = append(all, f[0]+"="+f[1])
		}
	}
	return all
}

// trainOptions are the flags of the train command.
type trainOptions struct {
	*options
	keys keyFlags
}

func newTrainCommand(o *options) *cobra.Command {
	t := &trainOptions{options: o}
	cmd := &cobra.Command{
		Use:   "train [CONFIG] [key=value ...]",
		Short: "Train one network; the same command again resumes it",
		Long: `Trains one network as the config says and keeps everything in a run folder: config, split, metrics, checkpoints, result.
Without a config file the protocol of the paper for CIFAR-10 at imbalance factor 100 holds; key=value changes any key.

The same command again resumes from the last checkpoint, or says that the run is done. Ctrl-C finishes the step and saves; a
second one ends at once. A run that was interrupted or killed ends with the same bits as one that was not.

Exit codes: 0 done, 1 failed, 2 a bad config, key or value, 3 no such device, 4 data or a checkpoint missing or damaged,
5 diverged, 130 interrupted.`,
		Example: "  longtail train configs/demo.yaml\n  longtail train configs/demo.yaml loss.beta=0.999 seed=3 train.epochs=10\n  longtail train data.imbalance=50 loss.name=focal loss.beta=0.9999 --device cpu",
		RunE:    func(cmd *cobra.Command, args []string) error { return t.run(cmd, args) },
	}
	t.keys.add(cmd.Flags())
	return cmd
}

func (t *trainOptions) run(cmd *cobra.Command, args []string) error {
	path, overrides := splitArgs(args)
	cfg, err := config.Load(path, append(overrides, t.keys.overrides()...))
	if err != nil {
		return err
	}
	if err := ownFolder(cfg, path); err != nil {
		return err
	}
	if t.dryRun {
		return t.preview(cmd, cfg)
	}
	ctx := cmd.Context()
	defer secondSignalKills(ctx)()
	report := newTrainReport(cfg, cmd.OutOrStdout(), t.messages(cmd), t.json)
	board, err := newTensorBoard(cfg)
	if err != nil {
		return err
	}
	outcome, err := train.Run(ctx, train.Job{
		Config: cfg, DataDir: t.dataDir, Open: t.opener(t.messages(cmd)), Observers: []train.Observer{report.observe, board.observe},
	})
	report.end()
	err = errors.Join(err, board.close())
	if fail.Code(err) == fail.CodeInterrupted {
		return fmt.Errorf("%w\nto resume: %s", err, fail.CommandLine(os.Args))
	}
	if err != nil {
		return err
	}
	return report.result(outcome)
}

// ownFolder is where a run goes: a config.yaml that lies in a run's folder means that folder, wherever it was moved since. A folder
// of runs is refused as the folder of one.
func ownFolder(cfg *config.Config, path string) error {
	dir := filepath.Dir(path)
	own := filepath.Base(path) == run.ConfigFile && run.Exists(filepath.Join(dir, run.SplitFile))
	if own && cfg.Place("out") != config.CommandLine && !disk.Same(dir, cfg.Out) {
		cfg.Out = dir
	}
	if holdsRuns(cfg.Out) && !run.Exists(filepath.Join(cfg.Out, run.ConfigFile)) {
		return fail.Usage("%s: out=%s is a folder of runs, and a run needs a folder of its own\nname one, such as out=%s", cfg.Place("out"), cfg.Out, filepath.Join(cfg.Out, cfg.RunName()))
	}
	return nil
}

// preview prints what would be trained.
func (t *trainOptions) preview(cmd *cobra.Command, cfg *config.Config) error {
	p, err := train.NewPreview(cfg, t.dataDir)
	if err != nil {
		return err
	}
	t.previewMemory(cmd, cfg, p)
	out := cmd.OutOrStdout()
	if t.json {
		return json.NewEncoder(out).Encode(struct {
			Config string `json:"config"`
			*train.Preview
		}{string(cfg.Full()), p})
	}
	fmt.Fprintf(out, "%s\n%d training images:\n", cfg.Full(), p.Images)
	for c, n := range p.Counts {
		fmt.Fprintf(out, "  %3d %-32s %6d\n", c, p.ClassNames[c], n)
	}
	fmt.Fprintf(out, "%d steps\n%s\n", p.Steps, strings.Join(p.Programs, "\n"))
	fmt.Fprintln(t.messages(cmd), "nothing was trained; without --dry-run the run goes into", cfg.Out)
	return nil
}

// previewMemory prints how much memory the run needs on its device, and how much there is.
func (t *trainOptions) previewMemory(cmd *cobra.Command, cfg *config.Config, p *train.Preview) {
	d, err := device.Open(cfg.Device, cfg.Precision, device.Options{Threads: t.threads})
	if err != nil {
		return // nothing is trained
	}
	defer d.Close()
	memory, err := p.Memory(cfg, d)
	t.printMemory(cmd, memory)
	if err != nil {
		fmt.Fprintln(t.messages(cmd), err)
	}
}

// printMemory prints what a step needs and how it comes by that, what the evaluation needs beside it, and what is available, where that is known.
func (o *options) printMemory(cmd *cobra.Command, m *train.Memory) {
	out := o.messages(cmd)
	if m.Note != "" {
		fmt.Fprintln(out, m.Note)
	}
	fmt.Fprintf(out, "memory: a step needs %.3g GB", float64(m.Train)/1e9)
	if m.Evaluation > 0 {
		fmt.Fprintf(out, ", evaluation %.3g GB", float64(m.Evaluation)/1e9)
	}
	if m.Available > 0 {
		fmt.Fprintf(out, ", and %.3g GB are available", float64(m.Available)/1e9)
	}
	fmt.Fprintln(out)
}

// secondSignalKills lets a second Ctrl-C or SIGTERM end the program at once, once the first has cancelled ctx. The function
// that it returns takes that back. In a job of Slurm a second SIGTERM changes nothing: Slurm sends it to all processes of a job, and the
// batch script passes its own on.
func secondSignalKills(ctx context.Context) func() {
	killing := []os.Signal{os.Interrupt}
	if os.Getenv("SLURM_JOB_ID") == "" {
		killing = append(killing, syscall.SIGTERM)
	}
	stop := context.AfterFunc(ctx, func() { signal.Reset(killing...) })
	return func() { stop() }
}
