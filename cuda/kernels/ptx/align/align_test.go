package align

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"longtail/cuda/kernels/ptx/syntax"
)

func TestCommittedPTXIsAligned(t *testing.T) {
	files, err := filepath.Glob("../../*.ptx")
	more, err2 := filepath.Glob("../../testkernels/*.ptx")
	if err != nil || err2 != nil || len(files) == 0 || len(more) == 0 {
		t.Fatal(files, more, err, err2)
	}
	for _, file := range append(files, more...) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m, err := syntax.Parse(string(text))
		if err != nil {
			t.Fatal(file, err)
		}
		for _, f := range Check(m) {
			if strings.HasSuffix(file, "misuse.ptx") && f.Kernel == "misaligned" {
				continue
			}
			t.Errorf("%s: %v", file, f)
		}
	}
}

// module is a kernel that accesses two arrays, one through registers that are chosen, added to and converted.
const module = `
.weak .shared .align 4 .b8 low[64];
.weak .shared .align 16 .b8 high[64];
.visible .entry k() {
	.reg .pred %p<2>;
	.reg .b64 %rd<9>;
	.reg .b32 %r<9>;
	.reg .f32 %f<9>;
	mov.u64 %rd1, low;
	mov.u64 %rd2, high;
	cvta.shared.u64 %rd3, %rd1;
	add.s64 %rd4, %rd3, 16;
	selp.b64 %rd5, %rd4, %rd2, %p1;
	{ .reg .u64 t; cvta.to.shared.u64 t, %rd5; cvt.u32.u64 %r1, t; }
	ACCESS
	ret;
}
`

func TestCheckFollowsAddresses(t *testing.T) {
	for _, test := range []struct {
		access string
		bytes  int // 0: no fault
	}{
		{"ld.shared.f32 %f1, [%rd1];", 0},
		{"ld.shared.v2.f32 {%f1, %f2}, [%rd1];", 8},
		{"st.shared.v4.f32 [%rd5+16], {%f1, %f2, %f3, %f4};", 16},
		{"ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [%rd2];", 0},
		{"ld.shared.v4.f32 {%f1, %f2, %f3, %f4}, [low+16];", 16},
		{"ldmatrix.sync.aligned.m8n8.x1.shared.b16 {%r2}, [%r1];", 16},
		{"cp.async.ca.shared.global [%r1], [%rd6], 8;", 8},
		{"cp.async.ca.shared.global [%r1], [%rd6], 4;", 0},
		{"ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd6];", 0},
	} {
		m, err := syntax.Parse(strings.Replace(module, "ACCESS", test.access, 1))
		if err != nil {
			t.Fatal(err)
		}
		faults := Check(m)
		if test.bytes == 0 && len(faults) > 0 || test.bytes > 0 && (len(faults) != 1 || faults[0].Access != test.bytes || faults[0].Variable != "low") {
			t.Errorf("%s: %v", test.access, faults)
		}
	}
}
