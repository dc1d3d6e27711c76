// Write writes the generated files of package catalogue into the repository whose
// folder it is given.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/heddle-mesh/heddle/mesh/validate/catalogue"
)

func main() {
	if err := write(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func write(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: %s FOLDER", filepath.Base(args[0]))
	}
	files, err := catalogue.Files()
	if err != nil {
		return err
	}
	for path, data := range files {
		path = filepath.Join(args[1], path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
