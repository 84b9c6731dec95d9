//go:build !linux

package cpu

// hugePages does nothing where large pages cannot be asked for.
func hugePages([]float32) {}
