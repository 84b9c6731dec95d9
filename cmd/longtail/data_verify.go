package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"longtail/data"
	"longtail/internal/fail"

	"github.com/spf13/cobra"
)

// verifyOptions has no flags of its own.
type verifyOptions struct{ *options }

func newVerifyCommand(o *options) *cobra.Command {
	v := &verifyOptions{o}
	return &cobra.Command{
		Use:   "verify [DATASET|FILE ...]",
		Short: "Compare the files with their checksums",
		Long: `Compares every file of the data sets named, or of CIFAR-10 and CIFAR-100, with its size and SHA-256, and
every byte of packed files with the checksums in them.

Exit codes: 0 all right, 2 unknown data set, 4 a file is missing or damaged.`,
		Example: "  longtail data verify cifar100\n  longtail data verify photos.pack",
		RunE:    func(cmd *cobra.Command, args []string) error { return v.run(cmd, args) },
	}
}

// verified is the report of one file as JSON.
type verified struct {
	Dataset string         `json:"dataset"`
	File    string         `json:"file"`
	State   data.FileState `json:"state"`
	Problem string         `json:"problem,omitempty"`
}

func (v *verifyOptions) run(cmd *cobra.Command, args []string) error {
	sets, err := datasets(args)
	if err != nil {
		return err
	}
	files, bad, broken := []verified{}, []string{}, []string{}
	for _, s := range sets {
		reports, wrong, err := v.verify(s)
		if err != nil {
			return err
		}
		files = append(files, reports...)
		if wrong && s.Fetch != nil {
			bad = append(bad, s.Name)
		} else if wrong {
			broken = append(broken, s.Name)
		}
	}
	if err := v.print(cmd.OutOrStdout(), files); err != nil {
		return err
	}
	if len(broken) > 0 {
		return fail.Data("%s: damaged\nmake it again with longtail data pack, or restore it from a copy", strings.Join(broken, ", "))
	}
	if len(bad) == 0 {
		return nil
	}
	words := append([]string{"longtail", "data", "fetch"}, bad...)
	if v.dataDir != "" {
		words = append(words, "--data-dir", v.dataDir)
	}
	return fail.Data("files of %s are missing or damaged\nget them with: %s", strings.Join(bad, ", "), fail.CommandLine(words))
}

// verify reports on the files of a set that has any.
func (v *verifyOptions) verify(s *data.Set) (files []verified, wrong bool, err error) {
	if s.Verify == nil {
		return nil, false, nil
	}
	reports, err := s.Verify(v.dataDir)
	for _, r := range reports {
		file := verified{Dataset: s.Name, File: r.Path, State: r.State}
		if r.Err != nil {
			file.Problem, wrong = r.Err.Error(), true
		}
		files = append(files, file)
	}
	return files, wrong, err
}

func (v *verifyOptions) print(w io.Writer, files []verified) error {
	if v.json {
		return json.NewEncoder(w).Encode(files)
	}
	if v.quiet {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range files {
		fmt.Fprintln(table, strings.TrimRight(string(f.State)+"\t"+f.File+"\t"+f.Problem, "\t"))
	}
	return table.Flush()
}
