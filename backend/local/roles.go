package local

import "github.com/heddle-mesh/heddle/backend/local/sandbox"

// RoleMain runs one of the hidden roles that the local cluster executes this
// program again for, when the arguments (without the program's name) ask for
// one; handled is false otherwise. The main function calls it first of all.
func RoleMain(args []string) (handled bool, code int) { return sandbox.Main(args) }

// Preflight says whether pods can run on this machine, by trying everything
// they need in throw-away namespaces, and what to do when they cannot.
func Preflight() error { return sandbox.Preflight() }
