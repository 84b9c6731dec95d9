package eval

import (
	"bufio"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// WriteConfusion prints a confusion matrix [C][C] as numbers: a row for each true class with its name, a column for each
// predicted class under its number, and the row's accuracy in per cent. names is [C].
func WriteConfusion(w io.Writer, names []string, confusion [][]int64) error {
	out := bufio.NewWriter(w)
	name, cell := len("true \\ predicted"), len(strconv.Itoa(max(0, len(confusion)-1)))
	for c, row := range confusion {
		name = max(name, utf8.RuneCountInString(rowName(c, names)))
		for _, n := range row {
			cell = max(cell, len(strconv.FormatInt(n, 10)))
		}
	}
	fmt.Fprintf(out, "%-*s", name, "true \\ predicted")
	for c := range confusion {
		fmt.Fprintf(out, " %*d", cell, c)
	}
	fmt.Fprintln(out, "  correct")
	recall := PerClass(confusion)
	for c, row := range confusion {
		label := rowName(c, names)
		out.WriteString(label + strings.Repeat(" ", name-utf8.RuneCountInString(label)))
		for _, n := range row {
			fmt.Fprintf(out, " %*d", cell, n)
		}
		fmt.Fprintf(out, "  %5.1f %%\n", 100*recall[c])
	}
	return out.Flush()
}

func rowName(c int, names []string) string {
	return fmt.Sprintf("%d %s", c, ClassName(names, c))
}

// ClassName is names[c], or "class c" where there is none.
func ClassName(names []string, c int) string {
	if c < len(names) && names[c] != "" {
		return names[c]
	}
	return "class " + strconv.Itoa(c)
}

// Mistake is a pair of classes that are mistaken for each other in one direction.
type Mistake struct {
	True, Predicted int     // classes
	Count           int64   // samples
	Share           float64 // of the true class's samples, in [0, 1]
}

// TopMistakes are the n largest entries of a confusion matrix [C][C] off its diagonal, largest first, ties in reading order;
// what a matrix of 100 classes says in a few lines.
func TopMistakes(confusion [][]int64, n int) []Mistake {
	var all []Mistake
	for t, row := range confusion {
		var total int64
		for _, k := range row {
			total += k
		}
		for p, k := range row {
			if p != t && k > 0 {
				all = append(all, Mistake{t, p, k, float64(k) / float64(total)})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Mistake) int { return cmp.Compare(b.Count, a.Count) })
	return all[:min(n, len(all))]
}
