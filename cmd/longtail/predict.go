package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"longtail/data/pack"
	"longtail/data/picture"
	"longtail/internal/fail"
	"longtail/train"

	"github.com/spf13/cobra"
)

// predictOptions are the flags of the predict command.
type predictOptions struct {
	*options
	top        int
	thresholds []string
	form       string
	checkpoint string
	device     string
	precision  string
	batch      int
	plain      bool
	imageLimits
}

func newPredictCommand(o *options) *cobra.Command {
	p := &predictOptions{options: o}
	cmd := &cobra.Command{
		Use:   "predict RUN IMAGE|FOLDER ...",
		Short: "Classify images with the network of a run",
		Long: `Prints the class of each image with its probability, in the order of the arguments; the images of a folder, at any depth, in the order of
the bytes of their names. JPEG, PNG, WebP and GIF are made the squares of the run's size that "data pack" makes of them. The data set of
the run need not be there.

--top K prints the K most probable classes. --threshold 0.8 answers only where the most probable class has at least this probability, and
"unsure" elsewhere; --threshold CLASS=0.95, which may be repeated, is that of one class. Probabilities are the softmax of the network's
outputs, of sigmoid losses too; eval says how far they can be believed (expected calibration error). Where the run's config
changes the outputs (section eval), so does predict; --plain leaves them as they are.

--format csv has the columns file, answer (empty where unsure), class, probability, for --top class_2, probability_2 and so on, and error.
--json (or --format json) is an object a line: file, answer (null where unsure), top, a list of class, label and probability, and error.

Images that are damaged, unsafe or not there are named on stderr, and in CSV and JSON as error; all others are answered, and the
exit code is 4.

Exit codes: 0 done, 1 failed, 2 a bad flag or no run's folder, 3 no such device, 4 images or a checkpoint missing or damaged, 130 interrupted.`,
		Example: `  longtail predict runs/photos photo.jpg
  longtail predict runs/photos folder --top 3 --threshold 0.5 --threshold wolf=0.9 --format csv`,
		Args: cobra.MinimumNArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd, args[0], args[1:]) },
	}
	f := cmd.Flags()
	f.IntVar(&p.top, "top", 1, "how many of the most probable classes to print")
	f.StringArrayVar(&p.thresholds, "threshold", nil, "least probability of an answer: P, or CLASS=P for one class; may be repeated")
	f.StringVar(&p.form, "format", "text", "text, csv or json (--json is the last)")
	f.StringVar(&p.checkpoint, "checkpoint", "last", strings.Join(train.Checkpoints(), ", "))
	f.StringVar(&p.device, "device", "", "auto, cpu or cuda (default: that of the run's config)")
	f.StringVar(&p.precision, "precision", "", "auto, fp32 or mixed (default: that of the run)")
	f.IntVar(&p.batch, "batch", 32, "images that the network looks at at a time; memory grows with it")
	f.BoolVar(&p.plain, "plain", false, "leave out what the section eval of the run's config does to the outputs")
	p.imageLimits.add(f)
	return cmd
}

// maxPredictBatch bounds --batch.
const maxPredictBatch = 4096

func (p *predictOptions) run(cmd *cobra.Command, dir string, paths []string) error {
	format, err := p.printerOf()
	if err != nil {
		return err
	}
	if p.top < 1 || p.batch < 1 || p.batch > maxPredictBatch {
		return fail.Usage("--top %d --batch %d: --top is at least 1, --batch from 1 to %d", p.top, p.batch, maxPredictBatch)
	}
	limits, err := p.limits()
	if err != nil {
		return err
	}
	t, err := train.ReadTrained(dir, p.checkpoint)
	if err != nil {
		return err
	}
	least, err := parseThresholds(p.thresholds, t.ClassNames)
	if err != nil {
		return err
	}
	if size := t.Network.Image; size.Channels != 3 || size.Height != size.Width {
		return fail.Usage("the network of %s looks at images of %d channels, %d x %d: predict makes squares of red, green and blue\nexport the network with: longtail export %s --to onnx", dir, size.Channels, size.Height, size.Width, dir)
	}
	found, err := pack.Find(paths)
	if err != nil {
		return err
	}
	messages := p.messages(cmd)
	if n := totalOf(found.Skipped); n > 0 {
		fmt.Fprintf(messages, "skipped %d files that are no images\n", n)
	}
	if p.dryRun {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "would classify %d images with the %s checkpoint of %s, step %d, %d classes\n", len(found.Names), p.checkpoint, dir, t.Step, len(t.ClassNames))
		return err
	}
	return p.predict(cmd, t, found, limits, &printer{form: format, w: cmd.OutOrStdout(), names: found.Names, classes: t.ClassNames, top: min(p.top, len(t.ClassNames)), least: least}, messages)
}

func totalOf(counts map[string]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// chunkBytes is about how much is decoded before the network looks at it: what a call of the network prepares is paid once a chunk.
const chunkBytes = 16 << 20

// predict answers the images chunk by chunk, so that memory does not grow with their number.
func (p *predictOptions) predict(cmd *cobra.Command, t *train.Trained, found *pack.Images, limits picture.Limits, out *printer, messages io.Writer) (err error) {
	d, err := p.opener(messages)(cmp.Or(p.device, t.Config.Device), cmp.Or(p.precision, t.Config.Precision))
	if err != nil {
		return err
	}
	defer d.Close()
	predictor, err := train.NewPredictor(t, d, min(p.batch, len(found.Names)), p.plain)
	if err != nil {
		return err
	}
	defer predictor.Close()
	background, err := picture.ParseColour(t.Background)
	if err != nil {
		return fail.Data("the background of the run's images, %s: %w", fail.Quote(t.Background), err)
	}
	c := &chunk{limit: chunkBytes, predictor: predictor, out: out, damaged: cmd.ErrOrStderr()}
	if isTerminal(messages) && !isTerminal(cmd.OutOrStdout()) {
		var finish func()
		c.progress, finish = countProgress(messages, "classifying", "images")
		defer finish()
	}
	if err := out.begin(); err != nil {
		return err
	}
	err = found.Squares(cmd.Context(), t.Network.Image.Height, background, limits, func(_ int, square []byte, bad error) error {
		return c.add(cmd.Context(), square, bad)
	})
	if err == nil {
		err = c.flush(cmd.Context())
	}
	if cmd.Context().Err() != nil {
		return fail.Interrupted("interrupted after %d of %d images", c.answered, len(found.Names))
	}
	if err == nil && c.bad > 0 {
		err = fail.Data("%d of %d images are damaged, unsafe or not there\nrepair or remove them; the others are answered", c.bad, len(found.Names))
	}
	return err
}

// chunk is a number of images that are decoded and not yet answered.
type chunk struct {
	limit     int
	predictor *train.Predictor
	out       *printer
	damaged   io.Writer
	progress  func(done, total int) // nil: nothing is told

	pixels        []byte
	errors        []error // of the images since the last call of the network; nil: its square is in pixels
	answered, bad int
}

func (c *chunk) add(ctx context.Context, square []byte, bad error) error {
	c.pixels, c.errors = append(c.pixels, square...), append(c.errors, bad)
	if len(c.pixels) >= c.limit {
		return c.flush(ctx)
	}
	return nil
}

// flush answers what was added, in its order.
func (c *chunk) flush(ctx context.Context) error {
	if err := c.reportBad(); err != nil {
		return err
	}
	if len(c.pixels) > 0 {
		err := c.predictor.Predict(ctx, c.pixels, func(_ int, probabilities []float64) error {
			if err := c.out.answer(c.answered, probabilities); err != nil {
				return err
			}
			c.next()
			return c.reportBad()
		})
		if err != nil {
			return err
		}
	}
	c.pixels, c.errors = c.pixels[:0], c.errors[:0]
	return nil
}

// next counts an image as done.
func (c *chunk) next() {
	c.answered, c.errors = c.answered+1, c.errors[1:]
	if c.progress != nil {
		c.progress(c.answered, len(c.out.names))
	}
}

// reportBad names the images before the next one that can be looked at.
func (c *chunk) reportBad() error {
	for len(c.errors) > 0 && c.errors[0] != nil {
		fmt.Fprintf(c.damaged, "damaged: %s: %s\n", fileName(c.out.names[c.answered]), printable(c.errors[0].Error()))
		if err := c.out.bad(c.answered, c.errors[0]); err != nil {
			return err
		}
		c.bad++
		c.next()
	}
	return nil
}

// parseThresholds gives the least probability of each class [C]. Of several texts about a class the last counts.
func parseThresholds(texts []string, classes []string) ([]float64, error) {
	least := make([]float64, len(classes))
	parse := func(text, number string) (float64, error) {
		p, err := strconv.ParseFloat(number, 64)
		if err != nil || !(p >= 0 && p <= 1) {
			return 0, fail.Usage("--threshold %s: a threshold is a number from 0 to 1, or CLASS=NUMBER", text)
		}
		return p, nil
	}
	var named []string
	for _, text := range texts {
		if strings.Contains(text, "=") {
			named = append(named, text)
			continue
		}
		p, err := parse(text, text)
		if err != nil {
			return nil, err
		}
		for c := range least {
			least[c] = p
		}
	}
	for _, text := range named {
		at := strings.LastIndexByte(text, '=')
		class := slices.Index(classes, text[:at])
		if class < 0 {
			return nil, fail.Usage("--threshold %s: the run has no class %s\nits classes are %s", text, fail.Quote(text[:at]), someNames(classes))
		}
		p, err := parse(text, text[at+1:])
		if err != nil {
			return nil, err
		}
		least[class] = p
	}
	return least, nil
}

// someNames lists names for an error, at most 20.
func someNames(names []string) string {
	if len(names) > 20 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:20], ", "), len(names)-20)
	}
	return strings.Join(names, ", ")
}

// printerOf is the form that --format and --json ask for.
func (p *predictOptions) printerOf() (answerForm, error) {
	if p.json {
		return jsonAnswers{}, nil
	}
	forms := map[string]answerForm{"text": textAnswers{}, "csv": csvAnswers{}, "json": jsonAnswers{}}
	form, ok := forms[p.form]
	if !ok {
		return nil, fail.Usage("--format %s: there is no such form\nchoose text, csv or json", p.form)
	}
	return form, nil
}
