package plan

import (
	"cmp"
	"slices"
)

// Buffer wants Size units from time First to time Last, both included.
type Buffer struct {
	Size        int
	First, Last int
	Offset      int // filled by Arena
}

// Arena places buffers in one block so that no two overlap in space and time, larger ones first, each in the lowest gap that
// fits. It gives the block's size. Offsets are multiples of align.
func Arena(buffers []*Buffer, align int) int {
	order := slices.Clone(buffers)
	slices.SortStableFunc(order, func(a, b *Buffer) int { return cmp.Compare(b.Size, a.Size) })
	var placed []*Buffer // by offset
	total := 0
	for _, b := range order {
		b.Offset = 0
		for _, other := range placed {
			if other.Last < b.First || b.Last < other.First {
				continue
			}
			if b.Offset+b.Size <= other.Offset {
				break
			}
			b.Offset = max(b.Offset, roundUp(other.Offset+other.Size, align))
		}
		at, _ := slices.BinarySearchFunc(placed, b, func(x, y *Buffer) int { return cmp.Compare(x.Offset, y.Offset) })
		placed = slices.Insert(placed, at, b)
		total = max(total, b.Offset+b.Size)
	}
	return total
}

func roundUp(n, to int) int { return (n + to - 1) / to * to }
