//go:build gpu

package cuda

import "longtail/cuda/driver"

// countingStream is a stream that counts the copies between host and device.
type countingStream struct {
	*driver.Stream
	uploads, downloads int
}

// upload copies values to the device, and waits.
func upload[T driver.Plain](s *countingStream, to driver.Ptr, values []T) error {
	if len(values) > 0 {
		s.uploads++
	}
	return driver.Upload(s.Stream, to, values)
}

// download copies len(values) values from the device, and waits for the work before it.
func download[T driver.Plain](s *countingStream, values []T, from driver.Ptr) error {
	if len(values) > 0 {
		s.downloads++
	}
	return driver.Download(s.Stream, values, from)
}
