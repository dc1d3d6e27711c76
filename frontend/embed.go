// Package frontend carries the built console inside the program, so that one
// file is the whole product.
package frontend

import (
	"embed"
	"fmt"
	"io/fs"
)

// The folder is empty but for a marker until the console is built.
//
//go:embed all:dist
var dist embed.FS

// Files is the built console, index.html at its root. Built reports whether
// there is one: a program that was compiled without it has none.
func Files() (files fs.FS, built bool, err error) {
	files, err = fs.Sub(dist, "dist")
	if err != nil {
		return nil, false, fmt.Errorf("open the built console: %w", err)
	}
	_, err = fs.Stat(files, "index.html")
	return files, err == nil, nil
}
