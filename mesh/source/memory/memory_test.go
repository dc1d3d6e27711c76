package memory_test

import (
	"testing"

	"github.com/heddle-mesh/heddle/mesh/source/memory"
	"github.com/heddle-mesh/heddle/mesh/source/sourcetest"
)

func TestContract(t *testing.T) {
	sourcetest.Run(t, func(*testing.T) sourcetest.Subject {
		s := memory.New("memory")
		return sourcetest.Subject{Source: s, Writer: s}
	})
}
