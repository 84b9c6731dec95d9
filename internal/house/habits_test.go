package house

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/token"
	"path"
	"regexp"
	"slices"
	"strings"
)

// mostLines is the longest that a source file may be; tests are tables and may be longer.
const mostLines = 500

// The patterns are put together so that this file does not match them.
var (
	leftOpen    = regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME|XX` + `X)\b`)
	machinePath = regexp.MustCompile("(^|[\\s\"'`=(:])/(ho" + "me|ro" + "ot|Us" + "ers|wo" + "rk|mn" + "t|sr" + "v)/")
	oldWords    = regexp.MustCompile(`(?i)\b(no` + `body|some` + `body|at ha` + `nd|go(es)? ` + `on|say(s)? whe` + `ther)\b`)
	dataSet     = regexp.MustCompile(`(?i)cifar|imagenet|inaturalist`)
	sharedPath  = regexp.MustCompile(`\.\./` + `shared\b`)
)

// checkText holds what can be seen in lines.
func checkText(s sources) []string {
	var faults faults
	for _, f := range s.texts {
		lines := bytes.Count(f.text, []byte("\n"))
		if lines > mostLines && isCode(f.name) && !isTest(f.name) {
			faults.add("%s: has %d lines, at most %d are wanted", f.name, lines, mostLines)
		}
		for n, line := range strings.Split(string(f.text), "\n") {
			if leftOpen.MatchString(line) {
				faults.add("%s:%d: is left open: %s", f.name, n+1, strings.TrimSpace(line))
			}
			if machinePath.MatchString(line) {
				faults.add("%s:%d: names a path of one machine: %s", f.name, n+1, strings.TrimSpace(line))
			}
			if word := oldWords.FindString(line); word != "" {
				faults.add("%s:%d: %q is not the plain English that the project writes: reports whether, resumes, continues, the current one", f.name, n+1, word)
			}
			if word := dataSet.FindString(line); word != "" && knowsNoDataSet(f.name) {
				faults.add("%s:%d: train and eval know no data set, published tables aside: %s", f.name, n+1, word)
			}
			if sharedPath.MatchString(line) && f.name != ".ci/run" {
				faults.add("%s:%d: only .ci/run may name that folder: %s", f.name, n+1, strings.TrimSpace(line))
			}
		}
	}
	return faults
}

// knowsNoDataSet reports whether a file trains or evaluates whatever data set there is.
func knowsNoDataSet(name string) bool {
	of := func(rooms ...string) bool {
		return slices.ContainsFunc(rooms, func(room string) bool { return strings.HasPrefix(name, room+"/") })
	}
	return path.Ext(name) == ".go" && !isTest(name) && of("train", "eval") && !of("eval/paper", "eval/evaltest")
}

// checkFormat finds Go files that gofmt would change.
func checkFormat(s sources) []string {
	var faults faults
	for _, f := range s.texts {
		if path.Ext(f.name) != ".go" {
			continue
		}
		if formatted, err := format.Source(f.text); err == nil && !bytes.Equal(formatted, f.text) {
			faults.add("%s: is not formatted: run gofmt", f.name)
		}
	}
	return faults
}

func isCode(file string) bool {
	return slices.Contains([]string{".go", ".s", ".S", ".c", ".cpp", ".h", ".cu", ".cuh"}, path.Ext(file))
}

// checkDocs finds packages and exported names without a doc comment.
func checkDocs(s sources) []string {
	var faults faults
	documented := make(map[string]bool)
	for _, f := range s.goFiles {
		folder := path.Dir(f.name)
		documented[folder] = documented[folder] || f.syntax.Doc != nil && !isTest(f.name)
		if isTest(f.name) {
			continue
		}
		for _, d := range f.syntax.Decls {
			for _, name := range undocumented(d) {
				faults.add("%s: %s is exported and has no doc comment", s.files.Position(name.Pos()), name.Name)
			}
		}
	}
	for folder, ok := range documented {
		if !ok {
			faults.add("%s: the package has no doc comment", folder)
		}
	}
	return faults
}

// undocumented lists the exported names of a declaration that nothing explains: of a group of constants or variables, one
// comment for all will do.
func undocumented(d ast.Decl) []*ast.Ident {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && receiverExported(d) {
			return []*ast.Ident{d.Name}
		}
	case *ast.GenDecl:
		if d.Doc != nil && (d.Tok != token.TYPE || !d.Lparen.IsValid()) {
			return nil
		}
		var names []*ast.Ident
		for _, spec := range d.Specs {
			switch s := spec.(type) {
			case *ast.TypeSpec:
				if s.Doc == nil && s.Name.IsExported() {
					names = append(names, s.Name)
				}
			case *ast.ValueSpec:
				for _, n := range s.Names {
					if s.Doc == nil && s.Comment == nil && n.IsExported() {
						names = append(names, n)
					}
				}
			}
		}
		return names
	}
	return nil
}

// receiverExported is true for functions, and for methods that users of a package can see.
func receiverExported(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.IsExported()
		default:
			return true
		}
	}
}
