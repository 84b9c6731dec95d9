//go:build !linux

package cpu

// unknown is no processor.
const unknown = -1

// Where there is no such system call, threads stay where they are until the system stops them.
func yield()                             {}
func threadStops() int64                 { return 0 }
func processor() int32                   { return unknown }
func moveFrom(at int32, _ []int32) int32 { return at }
