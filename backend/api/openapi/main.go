// Openapi writes the OpenAPI document of the console's API, made from the Go
// types, without running a mesh: openapi FILE. The console's client is
// generated from it.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"

	"github.com/heddle-mesh/heddle/backend/api"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: openapi FILE")
		os.Exit(2)
	}
	if err := write(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "openapi:", err)
		os.Exit(1)
	}
}

// version stands in the document instead of the program's: it would change
// with every commit.
const version = "1"

// write asks the API, as the owner may, for its own document.
func write(file string) error {
	handlers := api.New(api.Options{Version: version, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	answer := httptest.NewRecorder()
	handlers.Owner().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/api/v1/openapi.json", nil))
	if answer.Code != http.StatusOK {
		return fmt.Errorf("the API answers %d to its document: %s", answer.Code, answer.Body)
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, answer.Body.Bytes(), "", "  "); err != nil {
		return fmt.Errorf("read the document: %w", err)
	}
	pretty.WriteByte('\n')
	if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the document: %w", err)
	}
	return nil
}
