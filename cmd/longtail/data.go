package main

import (
	"strings"

	"longtail/data"

	"github.com/spf13/cobra"
)

func newDataCommand(o *options) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "data",
		Short: "Pack your own images, get and check CIFAR; counts, effective numbers and weights of a long tail",
		Long: `Packs, gets, checks and describes data sets: files of your own images (data pack), and ` + strings.Join(data.Names(), ", ") + `.

CIFAR lies in --data-dir, $LONGTAIL_DATA or the folder longtail in the user's cache folder, as cifar-10-batches-bin and
cifar-100-binary (CIFAR-20 is CIFAR-100 with its 20 coarse labels) or as the official archives. The synthetic sets are
drawn and need no file.`,
	}
	group(cmd)
	cmd.AddCommand(newPackCommand(o), newDrawCommand(o), newFetchCommand(o), newVerifyCommand(o), newStatsCommand(o))
	return cmd
}

// downloads are the data sets that together need every file once.
func downloads() []string {
	var names []string
	for _, name := range data.Names() {
		if s, err := data.Lookup(name); err == nil && s.Fetch != nil && s.FilesOf == "" {
			names = append(names, name)
		}
	}
	return names
}

// datasets are the data sets of these names; no name means all downloads.
func datasets(names []string) ([]*data.Set, error) {
	if len(names) == 0 {
		names = downloads()
	}
	var sets []*data.Set
	for _, name := range names {
		s, err := data.Lookup(name)
		if err != nil {
			return nil, err
		}
		sets = append(sets, s)
	}
	return sets, nil
}
