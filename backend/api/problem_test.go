package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The document names every code that a problem may have, and no other: the
// console has words for each.
func TestTheDocumentNamesEveryCode(t *testing.T) {
	sent := map[string]bool{}
	for _, code := range codes {
		sent[code] = true
	}
	for _, call := range callsOfNewProblem(t) {
		switch code := call.Args[1].(type) {
		case *ast.BasicLit:
			word, err := strconv.Unquote(code.Value)
			if err != nil {
				t.Fatal(err)
			}
			sent[word] = true
		case *ast.IndexExpr:
			if name, ok := code.X.(*ast.Ident); !ok || name.Name != "codes" {
				t.Errorf("newProblem is called with a code of another table than codes")
			}
		default:
			t.Errorf("newProblem is called with a code that is computed: %T", code)
		}
	}
	field, _ := reflect.TypeFor[Problem]().FieldByName("Code")
	named := strings.Split(field.Tag.Get("enum"), ",")
	for code := range sent {
		if !slices.Contains(named, code) {
			t.Errorf("code %s is sent, but not named in the document: add it to Problem.Code and to the console's words", code)
		}
	}
	for _, code := range named {
		if !sent[code] {
			t.Errorf("code %s is named in the document, but never sent", code)
		}
	}
}

// callsOfNewProblem are those of this package.
func callsOfNewProblem(t *testing.T) []*ast.CallExpr {
	t.Helper()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var calls []*ast.CallExpr
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if name, ok := call.Fun.(*ast.Ident); ok && name.Name == "newProblem" {
					calls = append(calls, call)
				}
			}
			return true
		})
	}
	if len(calls) == 0 {
		t.Fatal("newProblem is called nowhere: this test looks for the wrong name")
	}
	return calls
}
