package grid

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"longtail/internal/config"
)

// longestName keeps folder names well below the 255 bytes that file systems take.
const longestName = 160

// unsafe is what a folder's name should not have on any file system.
var unsafe = regexp.MustCompile(`[^A-Za-z0-9.+-]+`)

// names gives every run of a grid its folder's name: the one of a single run (cifar10-if100-focal-g1-b0.9999-s0), so that
// sweeps of the same runs share folders, and after it whatever else tells the runs apart: the keys that the grid varies and
// those that the command line changes (-lr0.05-epochs12).
type names struct {
	more []string // keys that RunName does not show
	runs map[string]*config.Config
}

func newNames(telling []string) *names {
	n := &names{runs: map[string]*config.Config{}}
	for _, key := range config.Keys() { // one order whatever that of the grid
		if slices.Contains(telling, key) && !config.InRunName(key) {
			n.more = append(n.more, key)
		}
	}
	return n
}

// of is the name of a run, with its row's word where it has one. known reports that the grid had the very same run before: an option that the loss does not have makes
// no new one.
func (n *names) of(c *config.Config, method string) (name string, known bool) {
	plain := n.plain(c, method)
	for try := 1; ; try++ {
		if name = plain; try > 1 {
			name += "-" + strconv.Itoa(try)
		}
		before, taken := n.runs[name]
		if !taken {
			n.runs[name] = c
			return name, false
		}
		if same(before, c) {
			return name, true
		}
	}
}

// same reports whether two configs are of one run: they compute the same, from the same files.
func same(a, b *config.Config) bool {
	return len(a.Differences(b)) == 0 && !slices.ContainsFunc(config.Keys(), func(key string) bool {
		return config.RoleOf(key) == config.Source && a.Value(key) != b.Value(key)
	})
}

func (n *names) plain(c *config.Config, method string) string {
	parts := []string{c.RunName()}
	if method != "" {
		parts[0] = c.NameWith(method)
	}
	for _, key := range n.more {
		if c.IsOff(key) {
			continue // a method that is left out makes no other run
		}
		word := key[strings.LastIndexByte(key, '.')+1:]
		value := strings.Trim(unsafe.ReplaceAllString(c.Value(key), "_"), "_")
		if _, err := strconv.ParseFloat(value, 64); err != nil {
			word += "_"
		}
		parts = append(parts, word+value)
	}
	name := strings.Join(parts, "-")
	if len(name) > longestName {
		sum := sha256.Sum256([]byte(name))
		name = fmt.Sprintf("%s-%s", name[:longestName-9], hex.EncodeToString(sum[:4]))
	}
	return name
}
