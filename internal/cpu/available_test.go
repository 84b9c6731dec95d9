package cpu

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAvailableMemoryRespectsControlGroups(t *testing.T) {
	const system = "MemTotal: 9000 kB\nMemAvailable: 4000 kB\n"
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing":       {nil, 0},
		"no groups":     {map[string]string{"proc/meminfo": system}, 4000 << 10},
		"no limit":      {map[string]string{"proc/meminfo": system, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "max\n"}, 4000 << 10},
		"version 2":     {map[string]string{"proc/meminfo": system, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "1000000\n", "sys/fs/cgroup/a/memory.current": "400000\n"}, 600000},
		"group above":   {map[string]string{"proc/meminfo": system, "proc/self/cgroup": "0::/a/b\n", "sys/fs/cgroup/a/memory.max": "1000000\n", "sys/fs/cgroup/a/b/memory.max": "2000000\n"}, 1000000},
		"root":          {map[string]string{"proc/meminfo": system, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1000000\n"}, 1000000},
		"version 1":     {map[string]string{"proc/meminfo": system, "proc/self/cgroup": "5:cpu,cpuacct:/x\n4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "1000000\n", "sys/fs/cgroup/memory/a/memory.usage_in_bytes": "1\n"}, 999999},
		"version 1 max": {map[string]string{"proc/meminfo": system, "proc/self/cgroup": "4:memory:/a\n", "sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n"}, 4000 << 10},
		"used up":       {map[string]string{"proc/meminfo": system, "proc/self/cgroup": "0::/a\n", "sys/fs/cgroup/a/memory.max": "1000\n", "sys/fs/cgroup/a/memory.current": "2000\n"}, 1},
		"nonsense":      {map[string]string{"proc/meminfo": system, "proc/self/cgroup": "x\n0::/a\n", "sys/fs/cgroup/a/memory.max": "many\n"}, 4000 << 10},
	} {
		root := t.TempDir()
		for path, text := range c.files {
			path = filepath.Join(root, path)
			if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if got := memoryLeft(root); got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
}
