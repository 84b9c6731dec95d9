package exec

import "longtail/cuda/kernels/ptx/syntax"

// Layout is where the static shared memory of a kernel lies, from the beginning of the block's window. Dynamic shared memory follows.
type Layout struct {
	Places []Place
	Bytes  int // of all; where dynamic shared memory begins, if the kernel has any
}

// Place is the offset of a shared variable.
type Place struct {
	syntax.Variable
	Offset int
}

// Natural places variables as ptxas 12 and 13 do: those that the kernel names, in the order of their declaration, each aligned as declared.
func Natural(m *syntax.Module, k *syntax.Kernel) Layout {
	return place(m, k, func(top, align int) int { return up(top, align) })
}

// leastOf is the largest alignment that a memory access of PTX can need, in bytes.
const leastOf = 16

// Adversarial places every variable at an offset that is aligned as declared and no better, which ptxas may do too.
func Adversarial(m *syntax.Module, k *syntax.Kernel) Layout {
	return place(m, k, func(top, align int) int {
		at := up(top, leastOf)
		if align < leastOf {
			at += align
		}
		return at
	})
}

func place(m *syntax.Module, k *syntax.Kernel, next func(top, align int) int) Layout {
	named := k.Named()
	l := Layout{}
	for _, variables := range [][]syntax.Variable{m.Shared, k.Shared} {
		for _, v := range variables {
			if !named[v.Name] {
				continue
			}
			at := next(l.Bytes, v.Align)
			l.Places = append(l.Places, Place{v, at})
			l.Bytes = at + v.Size
		}
	}
	for _, v := range m.Extern {
		if named[v.Name] {
			l.Bytes = up(l.Bytes, v.Align)
		}
	}
	return l
}

func up(n, multiple int) int { return (n + multiple - 1) / multiple * multiple }
