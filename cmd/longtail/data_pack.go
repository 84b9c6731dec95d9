package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"longtail/data/pack"
	"longtail/data/picture"
	"longtail/internal/build"
	"longtail/internal/fail"

	"github.com/spf13/cobra"
)

// packOptions are the flags of data pack.
type packOptions struct {
	*options
	pack.Options
	imageLimits
	background string
}

func newPackCommand(o *options) *cobra.Command {
	p := &packOptions{options: o}
	cmd := &cobra.Command{
		Use:   "pack SOURCE --size S --out FILE.pack",
		Short: "Make one file of your own images, to train on",
		Long: `Decodes JPEG, PNG, WebP and GIF (its first frame) on all cores into squares of S x S pixels: the centre of each image, as high and
wide as its short side, resampled with an antialiased bicubic filter. Transparent pixels are laid on --background, EXIF's orientation is
applied. Train on the file with data.dataset=FILE.pack, look at its tail with: longtail data stats data.dataset=FILE.pack

SOURCE is one of
  a folder with a folder for each class, images at any depth; or with train and test, each such a folder. Classes are in the order of
    the bytes of their names. Hidden files and those of other kinds are skipped and counted
  a list with a line "path label" for each image, as those of ImageNet-LT, Places-LT and iNaturalist. Labels are numbers from 0 on, or
    words, which are classes in the order of their bytes; --class-names FILE has the name of a class on each line
  a .csv file with the columns path and label (or --path-column, --label-column), or with two columns and no header
  a .json file with images, annotations and categories, as those of iNaturalist; classes are in the order of the categories' ids
Paths are relative to --root, or to the folder of the list. --test is a part of each class, drawn by --seed, or the source of the test
images in any of these forms.

Damaged images, links out of the folder, devices, and images of more than --max-megapixels are never decoded past their fault: all are
named, and the command ends with code 4 unless --skip-damaged leaves them out. An interrupted command resumes where it was: the file has
the name FILE.pack.part until it is whole.

Exit codes: 0 done, 1 failed (a full disk, say), 2 a bad flag, 4 damaged images or a source that contradicts itself, 130 interrupted.`,
		Example: "  longtail data pack photos --size 64 --test 0.2 --out photos.pack\n  longtail data pack ImageNet_LT_train.txt --test ImageNet_LT_test.txt --root imagenet --size 64 --out imagenet_lt.pack",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return p.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.IntVar(&p.Size, "size", 0, fmt.Sprintf("rows and columns of the packed images, %d to %d", pack.MinSize, pack.MaxSize))
	f.StringVar(&p.Out, "out", "", "the file to make; its name ends in "+pack.Extension)
	f.StringVar(&p.Test, "test", "", "part of each class that becomes test images, such as 0.2, or the source of the test images")
	f.Uint64Var(&p.Seed, "seed", 0, "draws the part of --test")
	f.StringVar(&p.Root, "root", "", "folder that the paths of lists are relative to (default: the folder of the list)")
	f.StringVar(&p.ClassNames, "class-names", "", "file with the name of a class on each line, for lists")
	f.StringVar(&p.PathColumn, "path-column", "", "column of a CSV file with the paths (default: path)")
	f.StringVar(&p.LabelColumn, "label-column", "", "column of a CSV file with the labels (default: label)")
	f.StringVar(&p.background, "background", "ffffff", "colour behind transparent pixels, RRGGBB")
	p.imageLimits.add(f)
	f.BoolVar(&p.SkipDamaged, "skip-damaged", false, "leave damaged images out, and say how many")
	f.BoolVar(&p.Force, "force", false, "replace a file that is there")
	return cmd
}

func (p *packOptions) run(cmd *cobra.Command, source string) error {
	if p.Size == 0 || p.Out == "" {
		return fail.Usage("data pack: --size and --out are needed\nuse for example: longtail data pack %s --size 64 --test 0.2 --out images%s", fail.CommandLine([]string{fail.Path(source)}), pack.Extension)
	}
	var err error
	if p.Background, err = picture.ParseColour(strings.TrimPrefix(p.background, "#")); err != nil {
		return fail.Usage("--background %s: %w\nuse for example --background ffffff", p.background, err)
	}
	if p.Limits, err = p.limits(); err != nil {
		return err
	}
	p.Source, p.Tool = source, tool()
	if p.dryRun {
		return p.preview(cmd.OutOrStdout())
	}
	finish := func() {}
	if !p.quiet {
		p.Progress, finish = countProgress(cmd.ErrOrStderr(), "packing", "images")
		p.Remark = func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) }
	}
	report, err := pack.Pack(cmd.Context(), p.Options)
	finish()
	if report == nil {
		return err
	}
	if !p.json {
		for _, d := range report.Damaged {
			fmt.Fprintf(cmd.ErrOrStderr(), "damaged: %s: %s\n", fileName(d.Name), printable(d.Reason))
		}
	}
	if printErr := p.print(cmd.OutOrStdout(), report); err == nil {
		err = printErr
	}
	return err
}

// tool names this program in the files that it packs: what they hold depends on its version and on no machine.
func tool() string {
	commit := build.Commit()
	if commit == "" {
		commit = "unknown"
	}
	return "longtail " + build.Version + ", commit " + commit
}

// fileName is a name from a file system for people: in quotes where it has bytes that a terminal would obey or not show.
func fileName(name string) string {
	if clean := printable(name); clean == name && !strings.ContainsAny(name, "\n\t") {
		return name
	}
	return fail.Quote(name)
}

// preview says what would be packed, and opens no image.
func (p *packOptions) preview(w io.Writer) error {
	report, err := pack.Preview(p.Options)
	if err != nil {
		return err
	}
	if p.json {
		return json.NewEncoder(w).Encode(report)
	}
	_, err = fmt.Fprintf(w, "would pack %d training and %d test images of %d classes into %s, %d MB\n", report.Train, report.Test, report.Classes, report.Out, report.Bytes()/1_000_000)
	return err
}

func (p *packOptions) print(w io.Writer, r *pack.Report) error {
	if p.json {
		return json.NewEncoder(w).Encode(r)
	}
	if p.quiet || r.Checksum == "" {
		return nil
	}
	info, err := os.Stat(r.Out)
	if err != nil {
		return err
	}
	fmt.Fprintf(w, "%s: %d training and %d test images of %d classes, %d x %d, %.1f MB\n", r.Out, r.Train, r.Test, r.Classes, r.Size, r.Size, float64(info.Size())/1e6)
	if r.Resumed > 0 {
		fmt.Fprintf(w, "%d images were there from an earlier call\n", r.Resumed)
	}
	if n := len(r.Damaged); n > 0 {
		fmt.Fprintf(w, "%d damaged images are left out\n", n)
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Skipped)) {
		fmt.Fprintf(w, "skipped: %d %s\n", r.Skipped[kind], kind)
	}
	_, err = fmt.Fprintf(w, "checksum %s\nnext: longtail data stats data.dataset=%s\n", r.Checksum, fail.CommandLine([]string{r.Out}))
	return err
}
