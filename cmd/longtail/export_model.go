package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/train"
	"longtail/train/portable"

	"github.com/spf13/cobra"
)

// modelExporter writes the network of one run.
func modelExporter(form portable.Form) func(e *exportOptions, cmd *cobra.Command, args []string) error {
	return func(e *exportOptions, cmd *cobra.Command, args []string) error {
		if len(args) != 1 || e.out == "-" {
			return fail.Usage("export: --to %s writes the network of one run to a file\ngive the run's folder, and the file with --out", e.to)
		}
		t, err := train.ReadTrained(args[0], e.checkpoint)
		if err != nil {
			return err
		}
		content, err := form.Encode(t, args[0])
		if err != nil {
			return fail.Data("the %s checkpoint of %s: %w", e.checkpoint, args[0], err)
		}
		out := e.out
		if out == "" {
			out = filepath.Join(args[0], filepath.Base(filepath.Clean(args[0]))+form.Extension)
		}
		if err := form.Replaceable(out); err != nil {
			return err
		}
		if e.dryRun {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "would write %s (%d bytes)\n", out, len(content))
			return err
		}
		if err := disk.WriteTo(out, content); err != nil {
			return err
		}
		if len(t.Config.Eval.Adjustments()) > 0 {
			fmt.Fprintln(e.messages(cmd), "the logits are the network's own: what the section eval of the run's config does to them is not in the file")
		}
		if e.json {
			return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]any{"out": out, "step": t.Step})
		}
		_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s (%s, step %d, %d classes)\n", out, t.Config.Network(), t.Step, len(t.ClassNames))
		return err
	}
}
