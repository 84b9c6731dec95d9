package eval

import (
	"bufio"
	"fmt"
	"io"
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
