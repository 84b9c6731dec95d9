package house

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// sources are the files of a module.
type sources struct {
	files   *token.FileSet
	goFiles []goFile
	texts   []textFile // all that is written by hand, Go files too
}

// goFile is a parsed file, whatever its build tags.
type goFile struct {
	name   string // from the module's root, with slashes
	syntax *ast.File
}

type textFile struct {
	name string
	text []byte
}

// faults are what a check found, one line each.
type faults []string

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

// generated are folders at the root that hold no sources.
var generated = []string{".git", "bin", "build", "runs", "carry"}

func read(tree fs.FS) (sources, error) {
	s := sources{files: token.NewFileSet()}
	err := fs.WalkDir(tree, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (slices.Contains(generated, name) || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || !isText(name):
			return nil
		}
		text, err := fs.ReadFile(tree, name)
		if err != nil {
			return err
		}
		s.texts = append(s.texts, textFile{name, text})
		if path.Ext(name) != ".go" {
			return nil
		}
		syntax, err := parser.ParseFile(s.files, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		s.goFiles = append(s.goFiles, goFile{name, syntax})
		return nil
	})
	return s, err
}

func isText(name string) bool {
	extensions := []string{".py", ".sh", ".md", ".mk", ".yaml", ".yml", ".json", ".txt"}
	return isCode(name) || slices.Contains(extensions, path.Ext(name)) || path.Base(name) == "Makefile" || strings.HasPrefix(name, ".ci/")
}

// checks are the rules by name.
var checks = map[string]func(sources) []string{
	"imports": checkImports,
	"rooms":   checkRooms,
	"text":    checkText,
	"docs":    checkDocs,
	"format":  checkFormat,
}

func TestHouse(t *testing.T) {
	s, err := read(os.DirFS("../.."))
	if err != nil {
		t.Fatal(err)
	}
	if len(s.goFiles) < 10 {
		t.Fatalf("found %d Go files: this is not the module's root", len(s.goFiles))
	}
	for name, check := range checks {
		t.Run(name, func(t *testing.T) {
			for _, fault := range check(s) {
				t.Error(fault)
			}
		})
	}
}
