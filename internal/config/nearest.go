package config

import (
	"fmt"
	"strings"
)

// flags are words that are often taken for keys.
var flags = map[string]string{
	"threads": "--threads", "data_dir": "--data-dir", "data.dir": "--data-dir", "data-dir": "--data-dir",
	"json": "--json", "quiet": "--quiet", "dry_run": "--dry-run",
}

// nearestKey is a hint at the key that was probably meant.
func nearestKey(key string) string {
	if flag, ok := flags[key]; ok {
		return fmt.Sprintf("; it is a flag: %s", flag)
	}
	_, last, dotted := strings.Cut(key, ".")
	if !dotted {
		last = key
	}
	for _, k := range Keys() {
		if strings.HasSuffix(k, "."+last) {
			return fmt.Sprintf("; did you mean %q?", k)
		}
	}
	if k := nearest(key, Keys()); k != "" {
		return fmt.Sprintf("; did you mean %q?", k)
	}
	var names []string
	for _, k := range Keys() {
		_, name, dotted := strings.Cut(k, ".")
		if !dotted {
			name = k
		}
		names = append(names, name)
	}
	if name := nearest(last, names); name != "" {
		return nearestKey(name)
	}
	return "\nthe keys are " + strings.Join(Keys(), ", ")
}

// maxWord is the longest word that nearest looks at: the time grows with its length, and no key is a quarter as long.
const maxWord = 80

// nearest is the candidate that takes the fewest changes of a letter to reach from word, or "" where none is near: at most
// a third of the letters, and 2 in short words.
func nearest(word string, candidates []string) string {
	if len(word) > maxWord {
		return ""
	}
	best, found := max(2, len(word)/3)+1, ""
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), c); d < best && d < len(c) {
			best, found = d, c
		}
	}
	return found
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour to get from a to b
// (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
