package driver_test

import (
	"fmt"
	"os"
	"testing"

	"longtail/cuda/cudatest"
	"longtail/cuda/driver"
	"longtail/internal/fail"
)

// tellAvailable makes the test binary print what Available says and exit with the code of its error.
const tellAvailable = "LONGTAIL_TEST_TELL_AVAILABLE"

func TestMain(m *testing.M) {
	if os.Getenv(tellAvailable) != "" {
		info, err := driver.Available()
		fmt.Println(info, info.SharedMemory, err)
		os.Exit(fail.Code(err))
	}
	if !driver.Built { // the tests of the stub need no device
		if code := m.Run(); code != 0 {
			os.Exit(code)
		}
	}
	cudatest.Main(m)
}
