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

func newDataCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Get and check CIFAR; counts, effective numbers and weights of a long tail",
		Long: `Gets, checks and describes data sets: ` + strings.Join(data.Names(), ", ") + `.

CIFAR lies in --data-dir, $LONGTAIL_DATA or the folder longtail in the user's cache folder, as cifar-10-batches-bin and
cifar-100-binary (CIFAR-20 is CIFAR-100 with its 20 coarse labels) or as the official archives. The synthetic sets are
drawn and need no file.`,
	}
	group(cmd)
	cmd.AddCommand(newFetchCommand(o), newVerifyCommand(o), newStatsCommand(o))
	return cmd
}

// archives are the data sets that together need every file once.
var archives = []string{"cifar10", "cifar100"}

// datasetArgs checks the names of data sets; no name means both archives.
func datasetArgs(args []string) ([]string, error) {
	for _, name := range args {
		if _, err := data.ClassNames(name); err != nil {
			return nil, err
		}
	}
	if len(args) == 0 {
		return archives, nil
	}
	return args, nil
}

func newFetchCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "fetch [DATASET ...]",
		Short: "Download CIFAR, with checksums; resumes where it was interrupted",
		Long: `Downloads the official archives (170 MB each) of the data sets named, or of CIFAR-10 and CIFAR-100, checks them, and puts
their files into the data folder. Files that are there and right are left alone. $LONGTAIL_DATA_URL names a mirror.

Exit codes: 0 done, 2 unknown data set, 4 not to be had or damaged, 130 interrupted (the same command resumes).`,
		Example: "  longtail data fetch cifar10\n  longtail data fetch --data-dir ~/data",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := datasetArgs(args)
			if err != nil {
				return err
			}
			return runFetch(cmd, o, names)
		},
	}
}

func runFetch(cmd *cobra.Command, o *options, names []string) error {
	folder, err := data.Folder(o.dataDir)
	if err != nil {
		return err
	}
	for _, name := range names {
		if o.dryRun {
			fmt.Fprintf(cmd.OutOrStdout(), "would fetch %s into %s\n", name, folder)
			continue
		}
		var progress func(done, total int64)
		finish := func() {}
		if !o.quiet {
			progress, finish = transferProgress(cmd.ErrOrStderr(), name)
		}
		err := data.Fetch(cmd.Context(), o.dataDir, name, progress)
		finish()
		if err != nil {
			return err
		}
		if err := printFetched(cmd.OutOrStdout(), o, name, folder); err != nil {
			return err
		}
	}
	return nil
}

func printFetched(w io.Writer, o *options, name, folder string) (err error) {
	switch {
	case o.json:
		err = json.NewEncoder(w).Encode(map[string]string{"dataset": name, "folder": folder})
	case o.quiet:
	case data.Drawn(name):
		_, err = fmt.Fprintf(w, "%s is drawn, not fetched: it is always there\n", name)
	default:
		_, err = fmt.Fprintf(w, "%s is in %s\n", name, folder)
	}
	return err
}

func newVerifyCommand(o *options) *cobra.Command {
	return &cobra.Command{
		Use:   "verify [DATASET ...]",
		Short: "Compare the files with their checksums",
		Long: `Compares every file of the data sets named, or of CIFAR-10 and CIFAR-100, with its size and SHA-256.

Exit codes: 0 all right, 2 unknown data set, 4 a file is missing or damaged.`,
		Example: "  longtail data verify cifar100",
		RunE: func(cmd *cobra.Command, args []string) error {
			names, err := datasetArgs(args)
			if err != nil {
				return err
			}
			return runVerify(cmd, o, names)
		},
	}
}

// verified is the report of one file as JSON.
type verified struct {
	Dataset string         `json:"dataset"`
	File    string         `json:"file"`
	State   data.FileState `json:"state"`
	Problem string         `json:"problem,omitempty"`
}

func runVerify(cmd *cobra.Command, o *options, names []string) error {
	files, bad := []verified{}, []string{}
	for _, name := range names {
		reports, err := data.Verify(o.dataDir, name)
		if err != nil {
			return err
		}
		wrong := false
		for _, r := range reports {
			v := verified{Dataset: name, File: r.Path, State: r.State}
			if r.Err != nil {
				v.Problem, wrong = r.Err.Error(), true
			}
			files = append(files, v)
		}
		if wrong {
			bad = append(bad, name)
		}
	}
	if err := printVerified(cmd.OutOrStdout(), o, files); err != nil {
		return err
	}
	if len(bad) == 0 {
		return nil
	}
	dir := ""
	if o.dataDir != "" {
		dir = " --data-dir " + o.dataDir
	}
	return fail.Data("files of %s are missing or damaged\nget them with: longtail data fetch %s%s", strings.Join(bad, ", "), strings.Join(bad, " "), dir)
}

func printVerified(w io.Writer, o *options, files []verified) error {
	if o.json {
		return json.NewEncoder(w).Encode(files)
	}
	if o.quiet {
		return nil
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range files {
		fmt.Fprintln(table, strings.TrimRight(string(f.State)+"\t"+f.File+"\t"+f.Problem, "\t"))
	}
	return table.Flush()
}
