package mmaconv

import (
	"testing"

	"longtail/cuda/cudatest"
)

func TestMain(m *testing.M) { cudatest.Main(m) }
