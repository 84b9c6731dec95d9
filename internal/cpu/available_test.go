package cpu

import (
	"os"
	"path/filepath"
	"testing"
)

const (
	mb      = 1 << 20
	meminfo = "MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:    8388608 kB\n" // 8 GiB are available
)

// tree makes files below a folder that stands for the root of the file system.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestMemoryLeft(t *testing.T) {
	for name, c := range map[string]struct {
		files map[string]string
		want  int64
	}{
		"nothing tells": {nil, 0},
		"no groups":     {map[string]string{"proc/meminfo": meminfo}, 8192 * mb},
		"version 2, no limit": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/user\n",
			"sys/fs/cgroup/user/memory.max": "max\n", "sys/fs/cgroup/user/memory.current": "1048576\n",
		}, 8192 * mb},
		"version 2, a container": {map[string]string{ // sees its own group as the root
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n",
			"sys/fs/cgroup/memory.max": "1073741824\n", "sys/fs/cgroup/memory.current": "536870912\n",
		}, 512 * mb},
		"version 2, the files that a group has read are given back": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "1073741824\n", "sys/fs/cgroup/a/b/memory.current": "536870912\n",
			"sys/fs/cgroup/a/b/memory.stat": "anon 1\ninactive_file 104857600\nactive_file 7\n",
		}, 612 * mb},
		"version 2, the limit of a group above": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/a/b\n",
			"sys/fs/cgroup/a/b/memory.max": "1073741824\n", "sys/fs/cgroup/a/b/memory.current": "0\n",
			"sys/fs/cgroup/a/memory.max": "536870912\n", "sys/fs/cgroup/a/memory.current": "104857600\n",
		}, 412 * mb},
		"version 2, a group that is full": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "4096\n", "sys/fs/cgroup/memory.current": "8192\n",
		}, 1},
		"version 2, more than the machine has": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "1099511627776\n", "sys/fs/cgroup/memory.current": "0\n",
		}, 8192 * mb},
		"version 1": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "5:cpu,cpuacct:/\n4:memory:/docker/x\n0::/\n",
			"sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": "1073741824\n", "sys/fs/cgroup/memory/docker/x/memory.usage_in_bytes": "536870912\n",
			"sys/fs/cgroup/memory/docker/x/memory.stat":  "inactive_file 5\ntotal_inactive_file 1048576\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "2147483648\n",
		}, 513 * mb},
		"version 1, a container that sees the host's path": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4:memory:/docker/x\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes": "1073741824\n", "sys/fs/cgroup/memory/memory.usage_in_bytes": "0\n",
		}, 1024 * mb},
		"damaged": {map[string]string{
			"proc/meminfo": meminfo, "proc/self/cgroup": "4\n:\n0::/../..\n",
			"sys/fs/cgroup/memory.max": "-1\n", "sys/fs/cgroup/memory.current": "\n",
		}, 8192 * mb},
	} {
		if got := memoryLeft(tree(t, c.files)); got != c.want {
			t.Errorf("%s: %d bytes, want %d", name, got, c.want)
		}
	}
}

func TestMemoryLeftOfThisMachine(t *testing.T) {
	if _, err := os.Stat("/proc/meminfo"); err != nil {
		t.Skip(err)
	}
	if left := memoryLeft("/"); left < 16*mb {
		t.Errorf("%d bytes", left)
	}
}
