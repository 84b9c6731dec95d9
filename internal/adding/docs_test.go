package adding_test

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the files into docs/adding.md")

// quoted is a marker in docs/adding.md and the block of code behind it, if it is there already.
var quoted = regexp.MustCompile("(?s)<!-- file: ([^ ]+) -->\n(?:\n```go\n.*?\n```\n)?")

// The files that docs/adding.md quotes are those of this folder, to the last byte: go test ./internal/adding -update writes them.
func TestDocsQuoteTheExamples(t *testing.T) {
	const root, page = "../..", "../../docs/adding.md"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var files []string
	want := quoted.ReplaceAllStringFunc(string(text), func(block string) string {
		name := quoted.FindStringSubmatch(block)[1]
		files = append(files, name)
		code, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
			return block
		}
		return "<!-- file: " + name + " -->\n\n```go\n" + strings.TrimSpace(string(code)) + "\n```\n"
	})
	if len(files) != 7 {
		t.Errorf("the page quotes %v, want the seven examples", files)
	}
	switch {
	case want == string(text):
	case *update:
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("docs/adding.md does not quote the files as they are: run go test ./internal/adding -update")
	}
}
