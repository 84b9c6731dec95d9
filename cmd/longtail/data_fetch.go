package main

import (
	"encoding/json"
	"fmt"
	"io"

	"longtail/data"

	"github.com/spf13/cobra"
)

// fetchOptions has no flags of its own.
type fetchOptions struct{ *options }

func newFetchCommand(o *options) *cobra.Command {
	f := &fetchOptions{o}
	return &cobra.Command{
		Use:   "fetch [DATASET ...]",
		Short: "Download CIFAR, with checksums; resumes where it was interrupted",
		Long: `Downloads the official archives (170 MB each) of the data sets named, or of CIFAR-10 and CIFAR-100, checks them, and puts
their files into the data folder. Files that are there and right are left alone. $LONGTAIL_DATA_URL names a mirror.

Exit codes: 0 done, 2 unknown data set, 4 not to be had or damaged, 130 interrupted (the same command resumes).`,
		Example: "  longtail data fetch cifar10\n  longtail data fetch --data-dir ~/data",
		RunE:    func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
}

func (f *fetchOptions) run(cmd *cobra.Command, args []string) error {
	sets, err := datasets(args)
	if err != nil {
		return err
	}
	folder, err := data.Folder(f.dataDir)
	if err != nil {
		return err
	}
	for _, s := range sets {
		if f.dryRun {
			fmt.Fprintf(cmd.OutOrStdout(), "would fetch %s into %s\n", s.Name, folder)
			continue
		}
		if err := f.fetch(cmd, s); err != nil {
			return err
		}
		if err := f.print(cmd.OutOrStdout(), s, folder); err != nil {
			return err
		}
	}
	return nil
}

// fetch gets the files of a set that has any.
func (f *fetchOptions) fetch(cmd *cobra.Command, s *data.Set) error {
	if s.Fetch == nil {
		return nil
	}
	var progress func(done, total int64)
	finish := func() {}
	if !f.quiet {
		progress, finish = transferProgress(cmd.ErrOrStderr(), s.Name)
	}
	defer finish()
	return s.Fetch(cmd.Context(), f.dataDir, progress)
}

func (f *fetchOptions) print(w io.Writer, s *data.Set, folder string) (err error) {
	switch {
	case f.json:
		err = json.NewEncoder(w).Encode(map[string]string{"dataset": s.Name, "folder": folder})
	case f.quiet:
	case s.Source != "":
		_, err = fmt.Fprintf(w, "%s is a file: there is nothing to fetch\n", s.Name)
	case s.Fetch == nil:
		_, err = fmt.Fprintf(w, "%s is drawn, not fetched: it is always there\n", s.Name)
	default:
		_, err = fmt.Fprintf(w, "%s is in %s\n", s.Name, folder)
	}
	return err
}
