package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// LogLevelPath is where the owner of the pod's folder reads a LogLevel, with
// GET, and sets it, with PUT and the query level=, for as long as Envoy runs.
const LogLevelPath = "/log-level"

// LogLevels are the levels of Envoy's log, from much to nothing.
func LogLevels() []string {
	return []string{"trace", "debug", "info", "warning", "error", "critical", "off"}
}

// LogLevel is how much Envoy writes to its log.
type LogLevel struct {
	Level string `json:"level"` // of most of its loggers
	// Others are loggers with another level.
	Others map[string]string `json:"others,omitempty"`
}

func (e *endpoints) logLevel(w http.ResponseWriter, req *http.Request) {
	query := ""
	if req.Method == http.MethodPut {
		level := req.URL.Query().Get("level")
		if !slices.Contains(LogLevels(), level) {
			http.Error(w, "level must be one of "+strings.Join(LogLevels(), ", "), http.StatusBadRequest)
			return
		}
		query = "?level=" + level
	}
	res, err := e.admin.open(req.Context(), http.MethodPost, "/logging"+query) // it takes POST to tell, too
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(parseLoggers(string(text))); err != nil {
		e.log.Debug("the log level was not told whole", "error", err)
	}
}

// parseLoggers reads Envoy's list, lines of "  name: level".
func parseLoggers(text string) LogLevel {
	levels, count := map[string]string{}, map[string]int{}
	for line := range strings.Lines(text) {
		name, level, ok := strings.Cut(strings.TrimSpace(line), ": ")
		if ok && slices.Contains(LogLevels(), level) {
			levels[name] = level
			count[level]++
		}
	}
	out := LogLevel{Others: map[string]string{}}
	if len(count) > 0 {
		out.Level = slices.MaxFunc(slices.Sorted(maps.Keys(count)), func(a, b string) int { return cmp.Compare(count[a], count[b]) })
	}
	for name, level := range levels {
		if level != out.Level {
			out.Others[name] = level
		}
	}
	return out
}

// everything lets all records through: which lines Envoy writes is Envoy's
// setting, which can be changed while it runs, and not this program's.
type everything struct{ slog.Handler }

// Enabled implements slog.Handler.
func (everything) Enabled(context.Context, slog.Level) bool { return true }
