// Package families tests the translation of PTX one opcode at a time: small kernels in families.ptx, which `make emulator-ptx` builds in, against
// values that are computed here by the text of the PTX ISA.
package families

import _ "embed"

// PTX is the text of families.ptx. The table in the test makes it: LONGTAIL_WRITE=1 go test ./cuda/kernels/ptx/families.
//
//go:embed families.ptx
var PTX string
