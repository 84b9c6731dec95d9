//go:build !gpu

package cudatest

import "testing"

// Main runs a package's tests on the emulator; this build has no CUDA, so it leaves them out.
func Main(m *testing.M) { leaveOut("built without the tag gpu; run them with `make test-cuda`") }
