package sweep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"longtail/train"
)

// inRunName are the keys that train.Config.RunName shows where they bear on the run.
var inRunName = []string{
	"data.dataset", "data.imbalance", "data.profile", "model.name", "loss.name", "loss.gamma", "loss.beta", "seed",
}

// longestName keeps folder names well below the 255 bytes that file systems take.
const longestName = 160

// unsafe is what a folder's name should not have on any file system.
var unsafe = regexp.MustCompile(`[^A-Za-z0-9.+-]+`)

// names gives every run of a grid its folder's name: the one of a single run (cifar10-if100-focal-g1-b0.9999-s0), so that
// sweeps of the same runs share folders, and after it whatever else tells the runs apart: the keys that the grid varies and
// those that the command line changes (-lr0.05-epochs12).
type names struct {
	more []string // keys that RunName does not show
	runs map[string]*train.Config
}

func newNames(telling []string) *names {
	n := &names{runs: map[string]*train.Config{}}
	for _, key := range train.Keys() { // one order whatever that of the grid
		if slices.Contains(telling, key) && !slices.Contains(inRunName, key) {
			n.more = append(n.more, key)
		}
	}
	return n
}

// of is the name of a run. known says that the grid had the very same run before: a focusing parameter that the loss does not
// look at makes no new one.
func (n *names) of(c *train.Config) (name string, known bool) {
	plain := n.plain(c)
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

func same(a, b *train.Config) bool {
	return a.Data.SplitFile == b.Data.SplitFile && !slices.ContainsFunc(a.Differences(b), func(key string) bool { return key != "loss.gamma" })
}

func (n *names) plain(c *train.Config) string {
	parts := []string{c.RunName()}
	for _, key := range n.more {
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
