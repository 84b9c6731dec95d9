package sweep

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"longtail/internal/config"
	"longtail/internal/device"
)

// Speed is a speed that was measured: of a run, or by a benchmark.
type Speed struct {
	Model     string
	Precision string
	Device    string  // in words, which begin with the name of its driver
	ImagesPS  float64 // images a second of training steps, of one run
	EvalShare float64 // seconds of tests for each second of training; 0 where it is not known
}

// Estimate is what the runs of a sweep still cost.
type Estimate struct {
	Images      int64   `json:"images"`            // that are left to show
	Seconds     float64 `json:"seconds,omitempty"` // of one run at a time; 0 where no speed is known
	Device      string  `json:"device,omitempty"`  // whose speeds these are
	Speeds      int     `json:"speeds,omitempty"`  // how many they are
	Checkpoints int64   `json:"checkpoint_bytes"`  // of the runs that are not done
}

// NewEstimate takes the speeds of the device that most of those that fit are of. A network whose speed was not measured is as much slower than
// one that was as it has more multiplications. lastOnly is that of Options.KeepLast.
func NewEstimate(plans []Plan, networks []Network, speeds []Speed, lastOnly bool) Estimate {
	var e Estimate
	size := map[string]float64{} // multiplications, by model
	for i, p := range plans {
		size[p.Config.Network()] = networks[i].Multiplications
		if p.State != Done {
			e.Images += p.Left()
			e.Checkpoints += p.checkpointFiles(lastOnly) * networks[i].CheckpointBytes
		}
	}
	e.Device = commonDevice(plans, speeds)
	speeds = slices.DeleteFunc(slices.Clone(speeds), func(s Speed) bool { return s.Device != e.Device })
	e.Speeds = len(speeds)
	for i, p := range plans {
		if p.Left() == 0 {
			continue
		}
		seconds := secondsAnImage(p.Config, networks[i], speeds, size)
		if seconds == 0 {
			e.Seconds, e.Device, e.Speeds = 0, "", 0
			break
		}
		e.Seconds += float64(p.Left()) * seconds
	}
	return e
}

// fits reports whether a run of a config would be computed as that of a speed was, as far as the config says.
func (s Speed) fits(c *config.Config) bool {
	return s.ImagesPS > 0 && (c.Device == device.Auto || strings.HasPrefix(s.Device, c.Device)) && (c.Precision == device.Auto || c.Precision == s.Precision)
}

// commonDevice is the device of most speeds that fit runs that are left.
func commonDevice(plans []Plan, speeds []Speed) string {
	count := map[string]int{}
	for _, s := range speeds {
		if slices.ContainsFunc(plans, func(p Plan) bool { return p.Left() > 0 && s.fits(p.Config) }) {
			count[s.Device]++
		}
	}
	best := ""
	for _, d := range slices.Sorted(maps.Keys(count)) {
		if best == "" || count[d] > count[best] {
			best = d
		}
	}
	return best
}

// secondsAnImage is the median of the speeds of a config's model, tests included; without one, of all, by the size of the networks. It is 0
// where none is known.
func secondsAnImage(c *config.Config, n Network, speeds []Speed, size map[string]float64) float64 {
	var same, scaled []float64
	for _, s := range speeds {
		if !s.fits(c) {
			continue
		}
		seconds := (1 + s.EvalShare) / s.ImagesPS
		if s.Model == c.Network() {
			same = append(same, seconds)
		} else if size[s.Model] > 0 {
			scaled = append(scaled, seconds*n.Multiplications/size[s.Model])
		}
	}
	if len(same) == 0 {
		same = scaled
	}
	if len(same) == 0 {
		return 0
	}
	slices.SortFunc(same, cmp.Compare)
	return same[len(same)/2]
}
