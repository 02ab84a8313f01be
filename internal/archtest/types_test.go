package archtest

import (
	"go/ast"
	"os"
	"slices"
)

// Module and SecretNames are for the tests that import packages of the module.
const Module = module

var SecretNames = secretNames

// TypesWithText returns the exported types of the public packages, without the suites for
// tests, that may hold a text: all but numbers, functions and interfaces.
func TypesWithText() (map[string]bool, error) {
	sources, err := load(os.DirFS("../.."))
	found := map[string]bool{}
	for _, s := range sources {
		if !s.public() || slices.Contains(suites, s.dir) {
			continue
		}
		for _, file := range s.files {
			for n := range ast.Preorder(file) {
				if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() && !spec.Assign.IsValid() && mayHoldText(spec.Type) {
					found[s.dir+"."+spec.Name.Name] = true
				}
			}
		}
	}
	return found, err
}

func mayHoldText(t ast.Expr) bool {
	switch t := t.(type) {
	case *ast.InterfaceType, *ast.FuncType:
		return false
	case *ast.Ident:
		return t.Name == "string"
	}
	return true
}
