package grid

import "longtail/internal/device"

// The values of the key device are those of the registered drivers; tests here open none.
func init() {
	device.Register(device.Driver{Name: "cpu"})
	device.Register(device.Driver{Name: "cuda", Rank: 1})
}
