package cpu

import (
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"longtail/internal/disk"
)

// memoryLeft is how many bytes can be taken without swapping and without being killed: the least of what Linux has left and of what the
// memory limits of the process's control groups leave; 0 where nothing tells. root is the root of the file system.
func memoryLeft(root string) int64 {
	least := int64(0)
	take := func(bytes int64, known bool) {
		if known && (least == 0 || bytes < least) {
			least = max(bytes, 1)
		}
	}
	kb, known := field(filepath.Join(root, "proc/meminfo"), "MemAvailable:")
	take(kb<<10, known)
	for _, line := range lines(filepath.Join(root, "proc/self/cgroup")) {
		parts := strings.SplitN(line, ":", 3) // number:controllers:path
		if len(parts) != 3 {
			continue
		}
		var h hierarchy
		switch {
		case parts[1] == "":
			h = version2
		case slices.Contains(strings.Split(parts[1], ","), "memory"):
			h = version1
		default:
			continue
		}
		for group := path.Clean("/" + parts[2]); ; group = path.Dir(group) { // a limit holds for all groups below
			take(h.left(filepath.Join(root, h.mount, group)))
			if group == "/" {
				break
			}
		}
	}
	return least
}

// hierarchy is where one version of control groups has its files, which are written in bytes.
type hierarchy struct {
	mount        string
	limit, usage string // files of a group
	cache        string // line of memory.stat: of the usage, what is given back before a limit is felt
}

// https://docs.kernel.org/admin-guide/cgroup-v2.html and .../cgroup-v1/memory.html
var (
	version2 = hierarchy{"sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"}
	version1 = hierarchy{"sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"}
)

// left is how many bytes the limit of a group leaves, and whether it has one.
func (h hierarchy) left(folder string) (bytes int64, limited bool) {
	limit, limited := number(filepath.Join(folder, h.limit)) // version 2 writes "max" for none, version 1 a number that no memory has
	usage, known := number(filepath.Join(folder, h.usage))
	if !limited || !known {
		return 0, false
	}
	cache, _ := field(filepath.Join(folder, "memory.stat"), h.cache)
	return limit - usage + min(cache, usage), true
}

// maxSystemFile bounds files of the system.
const maxSystemFile = 1 << 20

// lines are those of a file of the system; none where it cannot be read.
func lines(name string) []string {
	text, err := disk.Read(name, maxSystemFile)
	if err != nil {
		return nil
	}
	return strings.Split(string(text), "\n")
}

// number reads a file that is one number.
func number(name string) (int64, bool) {
	all := lines(name)
	if len(all) == 0 {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.TrimSpace(all[0]), 10, 64)
	return n, err == nil && n >= 0
}

// field reads the number behind a word at the start of a line.
func field(name, word string) (int64, bool) {
	for _, line := range lines(name) {
		if words := strings.Fields(line); len(words) >= 2 && words[0] == word {
			n, err := strconv.ParseInt(words[1], 10, 64)
			return n, err == nil && n >= 0
		}
	}
	return 0, false
}
