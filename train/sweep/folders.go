package sweep

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"

	"longtail/internal/config"
	"longtail/internal/config/grid"
	"longtail/internal/disk"
	"longtail/internal/fail"
	"longtail/internal/run"
)

// Prepare makes the folder of a run and writes config.yaml where the run has not begun, so that it can be trained from its folder, by
// FromFolders. The plan is brought up to date. It is an error (run.ErrBusy) where another process is at work there.
func Prepare(ctx context.Context, p *Plan) error {
	folder, err := run.OpenContext(ctx, p.Config.Out)
	if err != nil {
		return err
	}
	defer folder.Close() // only a lock
	if p.measure(); p.State != New {
		return nil
	}
	want := p.Config.YAML()
	if there, err := disk.Read(folder.Path(run.ConfigFile), maxConfigBytes); err == nil && bytes.Equal(there, want) {
		return nil
	}
	if err := p.look(); err != nil { // another sweep may have planned it meanwhile
		return err
	}
	return folder.Write(run.ConfigFile, want)
}

// FromFolders is the grid of the runs in those folders, as each config.yaml says. A run that starts from another one of them comes after it.
func FromFolders(folders []string) (*grid.Grid, error) {
	g := &grid.Grid{Out: filepath.Dir(filepath.Clean(folders[0]))}
	names := map[string]string{} // of runs, by folder
	for _, dir := range folders {
		dir = filepath.Clean(dir)
		if !run.Exists(filepath.Join(dir, run.ConfigFile)) {
			return nil, fail.Usage("%s holds no run: it has no %s\nname folders of runs, or the file of a sweep", dir, run.ConfigFile)
		}
		c, err := config.LoadRun(filepath.Join(dir, run.ConfigFile))
		if err != nil {
			return nil, fmt.Errorf("the run in %s: %w", dir, err)
		}
		if !disk.Same(dir, c.Out) {
			c.Out = dir // it was moved
		}
		name := filepath.Base(dir)
		if filepath.Dir(dir) != g.Out {
			name = dir
		}
		if names[dir] != "" {
			return nil, fail.Usage("%s is named twice\nleave one out", dir)
		}
		names[dir] = name
		g.Runs = append(g.Runs, grid.Run{Name: name, Config: c})
	}
	for i := range g.Runs {
		if from := g.Runs[i].Config.Train.InitFrom; from != "" {
			g.Runs[i].After = names[filepath.Clean(from)]
		}
	}
	return g, nil
}
