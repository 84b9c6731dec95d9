package main

import "strings"

// splitArgs takes a config file, if the first argument is no key=value, and the overrides.
func splitArgs(args []string) (path string, overrides []string) {
	for i, a := range args {
		if i == 0 && !strings.Contains(a, "=") {
			path = a
			continue
		}
		overrides = append(overrides, a)
	}
	return path, overrides
}

// firstLine is an error without its hint.
func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}
