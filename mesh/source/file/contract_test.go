package file_test

import (
	"testing"

	"github.com/heddle-mesh/heddle/mesh/source/file"
	"github.com/heddle-mesh/heddle/mesh/source/sourcetest"
)

func TestContract(t *testing.T) {
	for name, options := range map[string]file.Options{"watching": {}, "polling": {NoWatch: true, Poll: 20_000_000}} {
		t.Run(name, func(t *testing.T) {
			sourcetest.Run(t, func(t *testing.T) sourcetest.Subject {
				s, err := file.Open(t.TempDir(), options)
				if err != nil {
					t.Fatal(err)
				}
				return sourcetest.Subject{Source: s, Writer: s}
			})
		})
	}
}

// TestContractBetweenProcesses reads with one store what another one writes.
func TestContractBetweenProcesses(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Subject {
		dir := t.TempDir()
		reader, err := file.Open(dir, file.Options{})
		if err != nil {
			t.Fatal(err)
		}
		writer, err := file.Open(dir, file.Options{})
		if err != nil {
			t.Fatal(err)
		}
		return sourcetest.Subject{Source: reader, Writer: writer}
	})
}
