package run

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"longtail/internal/build"
	"longtail/internal/disk"
	"longtail/internal/fail"
)

// Environment is environment.json: where and by what a run was computed last, and all that took part before.
type Environment struct {
	Version  string   `json:"version"` // of the program
	Commit   string   `json:"commit"`  // of its source; ends in + where files were changed; empty where the build does not know
	Go       string   `json:"go"`      // compiler
	Command  []string `json:"command"` // as typed
	Host     string   `json:"host"`
	System   string   `json:"system"`    // operating system and architecture
	CPU      string   `json:"cpu"`       // model name
	Cores    int      `json:"cores"`     // logical processors that the process may use; device has the threads of the CPU backend
	Device   string   `json:"device"`    // what trains, in words
	GPU      string   `json:"gpu"`       // model name; empty without one
	Driver   string   `json:"driver"`    // version of the GPU's driver; empty without one
	Started  string   `json:"started"`   // time of the (last) start, RFC 3339
	TookPart []Part   `json:"took_part"` // what the bits depend on, in the order of the steps

	Seal string `json:"seal,omitempty"` // SHA-256 of the run's config.Fingerprint and the record without this field; empty before there were seals
}

// Part is what computed a run from a step on. Runs whose parts have different arithmetic or builds may differ in rounding from
// runs of either alone.
type Part struct {
	FromStep   int    `json:"from_step"`
	Arithmetic string `json:"arithmetic"` // backend and instruction set, such as "cpu avx2"; empty where it was not recorded
	Device     string `json:"device"`
	Version    string `json:"version"`
	Commit     string `json:"commit"`
	Host       string `json:"host"`
}

// NewEnvironment describes this process; Device, GPU, Driver, Started and TookPart are the caller's.
func NewEnvironment() Environment {
	e := Environment{
		Version: build.Version, Commit: build.Commit(), Go: runtime.Version(), Command: os.Args, System: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: cpuModel("/proc/cpuinfo"), Cores: runtime.NumCPU(),
	}
	if host, err := os.Hostname(); err == nil {
		e.Host = host
	}
	return e
}

// hash is the SHA-256 of the record of a run, without its seal.
func (e Environment) hash(fingerprint string) (string, error) {
	e.Seal = ""
	text, err := json.Marshal(e)
	return Hash(append([]byte(fingerprint), text...)), err
}

// WriteEnvironment seals environment.json and writes it.
func (f *Folder) WriteEnvironment(e Environment, fingerprint string) (err error) {
	if e.Seal, err = e.hash(fingerprint); err != nil {
		return fmt.Errorf("writing %s: %w", f.Path(EnvironmentFile), err)
	}
	return f.WriteJSON(EnvironmentFile, e)
}

// ReadEnvironment reads the environment.json of the run with that fingerprint. Damage is a data error that names the file, a missing one fs.ErrNotExist.
func ReadEnvironment(dir, fingerprint string) (e Environment, err error) {
	path := filepath.Join(dir, EnvironmentFile)
	text, err := disk.Read(path, MaxRecordBytes)
	if err != nil {
		return e, fail.Data("%w", err)
	}
	err = disk.Decode(text, &e)
	if err == nil && e.Seal != "" {
		var want string
		if want, err = e.hash(fingerprint); err == nil && want != e.Seal {
			err = errors.New("its seal does not fit: a value was changed, or it is another run's")
		}
	}
	if err != nil {
		return e, fail.Data("%s is damaged: %w", path, err)
	}
	return e, nil
}

// hasSealedEnvironment reports whether a run was computed by a program that seals runs. A record that cannot be read does not say so.
func hasSealedEnvironment(dir string) bool {
	text, err := disk.Read(filepath.Join(dir, EnvironmentFile), MaxRecordBytes)
	var e Environment
	return err == nil && disk.Decode(text, &e) == nil && e.Seal != ""
}

// ReadEnvironment reads what has taken part in the run before; nothing where there is no record of it.
func (f *Folder) ReadEnvironment(fingerprint string) (e Environment, err error) {
	e, err = ReadEnvironment(f.Dir, fingerprint)
	if errors.Is(err, fs.ErrNotExist) {
		return Environment{}, nil
	}
	if err != nil {
		return e, fmt.Errorf("%w\nremove it to resume without the record of what has computed the run so far", err)
	}
	if len(e.TookPart) == 0 { // written before parts were recorded
		e.TookPart = []Part{{Device: e.Device, Version: e.Version, Commit: e.Commit, Host: e.Host}}
	}
	return e, nil
}

// Join puts a part behind those of a run that resumes at a step. Parts from that step on never came into a checkpoint and
// are dropped. changed is the part before where it computed with other arithmetic or another build.
func Join(before []Part, now Part) (all []Part, changed *Part) {
	for _, p := range before {
		if p.FromStep < now.FromStep || p.FromStep == 0 && now.FromStep > 0 {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return []Part{now}, nil
	}
	last := all[len(all)-1]
	if last.Arithmetic == now.Arithmetic && last.Version == now.Version && last.Commit == now.Commit {
		return all, nil
	}
	return append(all, now), &last
}

// String names a part for people: arithmetic, version and commit.
func (p Part) String() string {
	name := p.Arithmetic
	if name == "" {
		name = p.Device
	}
	name += ", version " + p.Version
	if p.Commit != "" {
		name += " (" + p.Commit[:min(12, len(p.Commit))] + ")"
	}
	return name
}

// cpuModel reads the model name from Linux's list of processors; elsewhere it is the architecture.
func cpuModel(list string) string {
	f, err := os.Open(list)
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if name, model, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}
