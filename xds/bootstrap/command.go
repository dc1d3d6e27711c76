package bootstrap

import (
	"strconv"
	"time"
)

// Drain is how long Envoy keeps connections of a replaced filter chain or a
// removed listener before it cuts them.
const Drain = 45 * time.Second

// LogFormat is one line per message: level, logger and text, parted by tabs.
const LogFormat = "%l\t%n\t%v"

// Args are Envoy's command line arguments for a bootstrap file. concurrency is
// the number of worker threads; level one of Envoy's log levels.
func Args(file string, concurrency int, level string) []string {
	return []string{
		"--config-path", file,
		"--concurrency", strconv.Itoa(concurrency),
		// /dev/shm is shared between pods; Envoys that share it would take
		// each other for their predecessors.
		"--disable-hot-restart",
		"--drain-time-s", strconv.Itoa(int(Drain / time.Second)),
		// Connections of a chain that is going away are told so at once
		// rather than spread over the whole time.
		"--drain-strategy", "immediate",
		"--file-flush-interval-msec", "1000",
		"--log-level", level,
		"--log-format", LogFormat,
	}
}
