package exec

import (
	"fmt"
	"slices"
	"strings"

	"longtail/cuda/kernels/ptx/syntax"
)

func init() {
	family(branch, "bra")
	family(leave, "ret", "exit")
	family(barrier, "bar")
	family(fence, "membar", "fence")
	family(shuffle, "shfl")
	family(vote, "vote")
	family(loadMatrices, "ldmatrix")
	family(multiplyMatrices, "mma")
}

// branch: "bra"; .uni promises that the warp does not diverge.
func branch(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) > 2 || len(p) == 2 && p[1] != "uni" || !w.operands(i, 1) {
		return w.unknown(i)
	}
	isTarget := func(s syntax.Statement) bool { return s.Label == i.Operands[0].Name }
	if !slices.ContainsFunc(w.kernel.Body, isTarget) {
		return w.fail("no label %s", i.Operands[0])
	}
	return "goto " + labelName(i.Operands[0].Name) + ";"
}

// leave: "ret" of a kernel and "exit" end the thread.
func leave(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 1 || !w.operands(i, 0) {
		return w.unknown(i)
	}
	return "return;"
}

const allLanes = "0xffffffff"

// barrier: "bar.sync 0", which is barrier.sync.aligned of all threads of the block, and "bar.warp.sync" of all lanes.
func barrier(w *writer, i *syntax.Instruction, _ []string) string {
	switch {
	case i.Opcode == "bar.sync" && len(i.Operands) == 1 && i.Operands[0].Name == "0":
		return fmt.Sprintf("T.arrive(); ptx::barrier(W, %d); T.meet();", i.Line)
	case i.Opcode == "bar.warp.sync" && len(i.Operands) == 1 && i.Operands[0].Name == allLanes:
		return fmt.Sprintf("ptx::warp_barrier(W, %d);", i.Line)
	}
	return w.unknown(i)
}

// fence: "membar", "fence". One of the block orders nothing between blocks, so .cta is no fence here. What the tests of order need, that
// writes before an atomic operation are visible behind it to whoever reads it and fences then, acquire and release give as sc does.
func fence(w *writer, i *syntax.Instruction, p []string) string {
	switch {
	case !w.operands(i, 0):
	case slices.Contains([]string{"membar.gl", "membar.sys", "fence.sc.gpu", "fence.sc.sys"}, i.Opcode):
		return "emulator::fence(); T.now += 2;"
	case i.Opcode == "fence.acq_rel.gpu" || i.Opcode == "fence.acq_rel.sys":
		return "emulator::fence(); T.now++;"
	case i.Opcode == "membar.cta" || i.Opcode == "fence.sc.cta" || i.Opcode == "fence.acq_rel.cta":
		return ";"
	}
	return w.unknown(i)
}

// shuffle: "shfl.sync" without a predicate, of all lanes.
func shuffle(w *writer, i *syntax.Instruction, p []string) string {
	if len(p) != 4 || p[1] != "sync" || !slices.Contains([]string{"up", "down", "bfly", "idx"}, p[2]) || p[3] != "b32" || !w.operands(i, 5) || i.Operands[4].Name != allLanes {
		return w.unknown(i)
	}
	return w.set(i.Operands[0].Name, "b32", fmt.Sprintf("ptx::exchange(W, %d, ptx::shuffle_%s, %s, %s, %s)", i.Line, p[2],
		w.value(i.Operands[1].Name, "b32"), w.value(i.Operands[2].Name, "b32"), w.value(i.Operands[3].Name, "b32")))
}

// vote: "vote.sync.ballot.b32" of all lanes.
func vote(w *writer, i *syntax.Instruction, _ []string) string {
	if i.Opcode != "vote.sync.ballot.b32" || !w.operands(i, 3) || i.Operands[2].Name != allLanes {
		return w.unknown(i)
	}
	return w.set(i.Operands[0].Name, "b32", fmt.Sprintf("ptx::ballot(W, %d, %s)", i.Line, w.value(i.Operands[1].Name, "pred")))
}

// loadMatrices: "ldmatrix", 8x8 matrices of 16-bit elements.
func loadMatrices(w *writer, i *syntax.Instruction, p []string) string {
	rest, ok := strings.CutPrefix(i.Opcode, "ldmatrix.sync.aligned.m8n8.x")
	if !ok || rest == "" || !w.operands(i, 2) {
		return w.unknown(i)
	}
	count := int(rest[0] - '0')
	transposed := rest[1:] == ".trans.shared.b16"
	if !transposed && rest[1:] != ".shared.b16" || count != 1 && count != 2 && count != 4 || len(i.Operands[0].Vector) != count {
		return w.unknown(i)
	}
	return fmt.Sprintf("{ uint32_t q[%d]; ptx::load_matrices<%d, %v>(W, %d, q, %s); %s }", count, count, transposed, i.Line, w.address(i.Operands[1]), w.fromArray(i.Operands[0].Vector, "b32"))
}

func (w *writer) fromArray(registers []string, t string) string {
	var all []string
	for n, r := range registers {
		all = append(all, w.set(r, t, fmt.Sprintf("q[%d]", n)))
	}
	return strings.Join(all, " ")
}

func (w *writer) toArray(o syntax.Operand, t string, count int) string {
	var all []string
	for _, r := range o.Vector {
		all = append(all, w.value(r, t))
	}
	if len(all) != count {
		w.fail("%s has not %d registers", o, count)
	}
	return "{" + strings.Join(all, ", ") + "}"
}

// multiplyMatrices: "mma.m16n8k16" of f16 or bf16 with f32 sums ("Matrix Fragments for mma.m16n8k16 with floating point type").
func multiplyMatrices(w *writer, i *syntax.Instruction, p []string) string {
	const prefix = "mma.sync.aligned.m16n8k16.row.col.f32."
	bfloat := i.Opcode == prefix+"bf16.bf16.f32"
	if !bfloat && i.Opcode != prefix+"f16.f16.f32" || !w.operands(i, 4) || len(i.Operands[0].Vector) != 4 {
		return w.unknown(i)
	}
	return fmt.Sprintf("{ float q[4]; const uint32_t a[4] = %s, b[2] = %s; const float c[4] = %s; ptx::multiply<%v>(W, %d, q, a, b, c); %s }",
		w.toArray(i.Operands[1], "b32", 4), w.toArray(i.Operands[2], "b32", 2), w.toArray(i.Operands[3], "f32", 4), bfloat, i.Line,
		w.fromArray(i.Operands[0].Vector, "f32"))
}
