package main

import (
	"encoding/json"
	"fmt"
	"runtime"

	"longtail/internal/build"

	"github.com/spf13/cobra"
)

// versionOptions has no flags of its own.
type versionOptions struct{ *options }

func newVersionCommand(o *options) *cobra.Command {
	v := &versionOptions{o}
	return &cobra.Command{
		Use:     "version",
		Short:   "Print version, commit and compiler",
		Long:    "Prints the version of the program, the commit of its source (ending in + where files were changed), the compiler and the platform.",
		Example: "  longtail version --json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return v.run(cmd) },
	}
}

func (v *versionOptions) run(cmd *cobra.Command) error {
	if v.json {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(map[string]string{
			"version": build.Version, "commit": build.Commit(), "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH,
		})
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "longtail %s\n", build.String())
	return err
}
