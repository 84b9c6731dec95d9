package fail

import (
	"regexp"
	"strings"
)

// plainArgument is what a shell takes as it is.
var plainArgument = regexp.MustCompile(`^[A-Za-z0-9_./=:,+@%-]+$`)

// Path is a path as an argument of a command: one that a flag would be taken for starts with ./.
func Path(path string) string {
	if strings.HasPrefix(path, "-") {
		return "./" + path
	}
	return path
}

// CommandLine is a command as a person types it into a shell, for hints that can be copied.
func CommandLine(words []string) string {
	parts := make([]string, len(words))
	for i, w := range words {
		if parts[i] = w; !plainArgument.MatchString(w) {
			parts[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
		}
	}
	return strings.Join(parts, " ")
}
