package main

import (
	"encoding/json"
	"fmt"

	"longtail/data/synthetic"
	"longtail/internal/fail"

	"github.com/spf13/cobra"
)

// drawOptions are the flags of data draw.
type drawOptions struct {
	*options
	synthetic.Folder
}

func newDrawCommand(o *options) *cobra.Command {
	d := &drawOptions{options: o}
	cmd := &cobra.Command{
		Use:   "draw --out FOLDER",
		Short: "Draw a long-tailed folder of images, to try data pack on",
		Long: `Draws JPEG and PNG images into a folder for each class, as your own images may lie: the shapes of synthetic10 before cluttered
backgrounds, drawn with 32 pixels and enlarged.

Exit codes: 0 done, 1 failed (a full disk, say), 2 a bad flag or a folder that exists, 130 interrupted.`,
		Example: "  longtail data draw --out shapes --classes 10 --size 64",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return d.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&d.Path, "out", "", "the folder to make")
	f.IntVar(&d.Classes, "classes", 10, "number of classes, 2 to 10")
	f.IntVar(&d.Size, "size", 64, "short side of the images, pixels")
	f.IntVar(&d.Most, "images", 200, "images of the most frequent class")
	f.Float64Var(&d.Imbalance, "imbalance", 20, "images of the most frequent over those of the rarest class")
	f.Uint64Var(&d.Seed, "seed", 0, "draws the images")
	return cmd
}

func (d *drawOptions) run(cmd *cobra.Command) error {
	if d.Path == "" {
		return fail.Usage("data draw: --out is needed\nuse for example: longtail data draw --out shapes")
	}
	if d.dryRun {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "would draw images of %d classes into %s\n", d.Classes, d.Path)
		return err
	}
	counts, err := d.Draw(cmd.Context())
	if err != nil {
		return err
	}
	if d.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"folder": d.Path, "counts": counts})
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s: %d images of %d classes, %d to %d in each\nnext: longtail data pack %[1]s --size %[6]d --test 0.2 --out %[1]s.pack\n",
		fail.Path(d.Path), total, len(counts), counts[0], counts[len(counts)-1], d.Size)
	return err
}
