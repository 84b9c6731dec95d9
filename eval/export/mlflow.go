package export

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"longtail/internal/build"
	"longtail/internal/disk"
	"longtail/internal/fail"

	"go.yaml.in/yaml/v3"
)

// An MLflow file store (mlflow/store/tracking/file_store.py) has a folder for each experiment and in it one for each run, both with a
// meta.yaml; a run has a file for each parameter, tag and metric, whose lines are "milliseconds value step".

// metaFile describes an experiment or a run.
const metaFile = "meta.yaml"

// madeBy is the tag of runs that this package wrote, which it may replace.
const madeBy = "longtail.export"

// MLflow writes runs into an experiment of the file store at root, which is made where it is not there, and returns the experiment's folder.
// A run that was exported before is replaced; a folder in its place that comes from elsewhere is a usage error. All runs are written beside
// the store first, so that after an error the store is as it was.
func MLflow(root, experiment string, runs []*Run) (folder string, err error) {
	root, err = filepath.Abs(root)
	if err != nil {
		return "", fmt.Errorf("looking for %s: %w", root, err)
	}
	e, err := findExperiment(root, experiment)
	if err != nil {
		return "", err
	}
	for _, r := range runs {
		if err := ownOrNew(filepath.Join(root, e.ID, runID(r))); err != nil {
			return "", err
		}
	}
	if err := os.MkdirAll(filepath.Dir(root), 0o777); err != nil {
		return "", disk.WriteError(root, err)
	}
	staging, err := os.MkdirTemp(filepath.Dir(root), ".longtail-export-*")
	if err != nil {
		return "", disk.WriteError(root, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(staging)) }()
	for _, r := range runs {
		w := writer{dir: filepath.Join(staging, runID(r))}
		w.run(r, e.ID, filepath.Join(root, e.ID, runID(r)))
		if w.err != nil {
			return "", w.err
		}
	}
	return filepath.Join(root, e.ID), e.publish(root, staging, runs)
}

// experimentMeta is what this package reads and writes of an experiment's meta.yaml.
type experimentMeta struct {
	Location  string `yaml:"artifact_location"`
	Created   int64  `yaml:"creation_time"`
	ID        string `yaml:"experiment_id"`
	Updated   int64  `yaml:"last_update_time"`
	Lifecycle string `yaml:"lifecycle_stage"`
	Name      string `yaml:"name"`
	isNew     bool
}

// maxMeta bounds a meta.yaml.
const maxMeta = 1 << 20

// findExperiment is the experiment of that name in a store, or a new one. A folder that is there and is no store is a usage error.
func findExperiment(root, name string) (experimentMeta, error) {
	entries, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return experimentMeta{}, fail.Usage("--out %s: %w\nname a folder for the MLflow store", root, err)
	}
	stores := 0
	for _, entry := range entries {
		text, err := disk.Read(filepath.Join(root, entry.Name(), metaFile), maxMeta)
		if err != nil {
			continue // not an experiment
		}
		stores++
		var m experimentMeta
		if yaml.Unmarshal(text, &m) == nil && m.Name == name && m.ID == entry.Name() && m.Lifecycle == "active" {
			return m, nil
		}
	}
	if len(entries) > 0 && stores == 0 {
		return experimentMeta{}, fail.Usage("--out %s holds %s and no experiment of MLflow: nothing is written there\nname a new folder or a store of MLflow with --out", root, entries[0].Name())
	}
	sum := sha256.Sum256([]byte("longtail experiment " + name))
	id := strconv.FormatUint(1e17+binary.LittleEndian.Uint64(sum[:])%9e17, 10) // 18 digits, as MLflow's own
	if disk.Exists(filepath.Join(root, id)) {
		return experimentMeta{}, fail.Usage("--out %s: the folder %s is there and is not the experiment %q\nname another experiment with --experiment", root, id, name)
	}
	return experimentMeta{Location: fileURI(filepath.Join(root, id)), ID: id, Lifecycle: "active", Name: name, isNew: true}, nil
}

// runID is the same for the same run wherever it lies, so that exporting again replaces it.
func runID(r *Run) string {
	sum := sha256.Sum256([]byte("longtail run " + filepath.Base(r.Dir) + "\n" + string(r.identity())))
	return hex.EncodeToString(sum[:16])
}

// ownOrNew returns an error if there is a folder of a run that this package did not write.
func ownOrNew(dir string) error {
	if disk.Exists(dir) && !disk.Exists(filepath.Join(dir, "tags", madeBy)) {
		return fail.Usage("%s is there and was not written by this command: it is not overwritten\nname another store with --out, or another experiment with --experiment", dir)
	}
	return nil
}

// publish moves the runs of a staging folder into the store, and the runs that they replace out of it.
func (e experimentMeta) publish(root, staging string, runs []*Run) error {
	dir := filepath.Join(root, e.ID)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return disk.WriteError(dir, err)
	}
	if e.isNew {
		for _, r := range runs {
			start, end := r.times()
			if e.Created == 0 || start < e.Created {
				e.Created = start
			}
			e.Updated = max(e.Updated, end)
		}
		text, err := yaml.Marshal(e)
		if err != nil {
			return fmt.Errorf("describing the experiment: %w", err)
		}
		if err := disk.Write(filepath.Join(dir, metaFile), text); err != nil {
			return err
		}
	}
	for _, r := range runs {
		place := filepath.Join(dir, runID(r))
		if disk.Exists(place) {
			if err := os.Rename(place, filepath.Join(staging, "replaced-"+runID(r))); err != nil {
				return disk.WriteError(place, err)
			}
		}
		if err := os.Rename(filepath.Join(staging, runID(r)), place); err != nil {
			return disk.WriteError(place, err)
		}
	}
	return nil
}

// fileURI is an absolute path as MLflow writes it.
func fileURI(path string) string {
	var b strings.Builder
	for _, c := range []byte(filepath.ToSlash(path)) {
		if c < 0x21 || c > 0x7e || strings.ContainsRune(`%#?"<>`, rune(c)) {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(c)
	}
	return "file://" + b.String()
}

// note is the JSON form of a text, which YAML reads as the same text.
func note(text string) string {
	quoted, _ := json.Marshal(text) // text always has a JSON form
	return string(quoted)
}

// version is what the tag of exported runs holds.
func version() string { return build.String() }
