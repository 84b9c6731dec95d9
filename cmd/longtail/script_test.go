package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"longtail": main})
}

// Scripts run the real program. Each gets an empty folder, a cache folder of its own and no network.
func TestScripts(t *testing.T) {
	configs, err := filepath.Abs("../../configs")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("XDG_CACHE_HOME", env.WorkDir+"/cache")
			env.Setenv("LONGTAIL_DATA", "")
			env.Setenv("LONGTAIL_DATA_URL", "http://127.0.0.1:1")
			env.Setenv("NO_COLOR", "1")
			env.Setenv("CONFIGS", configs)
			return os.CopyFS(filepath.Join(env.WorkDir, "before"), os.DirFS("testdata/before"))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "swap": swap, "change": change},
	})
}
