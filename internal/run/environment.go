package run

import (
	"bufio"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
)

// Environment is environment.json: where and by what a run was computed. A run that goes on elsewhere replaces it.
type Environment struct {
	Version string   `json:"version"` // of the program
	Commit  string   `json:"commit"`  // of its source; ends in + where files were changed; empty where the build does not know
	Go      string   `json:"go"`      // compiler
	Command []string `json:"command"` // as typed
	Host    string   `json:"host"`
	System  string   `json:"system"`  // operating system and architecture
	CPU     string   `json:"cpu"`     // model name
	Cores   int      `json:"cores"`   // logical processors that the machine lends the process; device says how many threads the CPU backend used
	Device  string   `json:"device"`  // what trains, in words
	GPU     string   `json:"gpu"`     // model name; empty without one
	Driver  string   `json:"driver"`  // version of the GPU's driver; empty without one
	Started string   `json:"started"` // time of the (last) start, RFC 3339
}

// NewEnvironment describes this process; Device, GPU, Driver and Started are the caller's.
func NewEnvironment() Environment {
	e := Environment{
		Version: "unknown", Go: runtime.Version(), Command: os.Args, System: runtime.GOOS + "/" + runtime.GOARCH,
		CPU: cpuModel("/proc/cpuinfo"), Cores: runtime.NumCPU(),
	}
	if host, err := os.Hostname(); err == nil {
		e.Host = host
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		e.Version = info.Main.Version
		e.Commit = commit(info.Settings)
	}
	return e
}

// commit is the revision among the settings of a build.
func commit(settings []debug.BuildSetting) string {
	revision, changed := "", ""
	for _, s := range settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	if revision == "" {
		return ""
	}
	return revision + changed
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
