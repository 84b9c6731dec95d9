package kernels

import (
	"testing"

	"longtail/cuda/kernels/ptx"
)

func TestPTXBelongsToItsSource(t *testing.T) {
	if err := ptx.VerifyFolder("."); err != nil {
		t.Error(err)
	}
}
