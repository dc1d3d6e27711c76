// Command prober is both ends of the connections that the end-to-end tests
// look at: `prober serve` answers in every protocol that the mesh carries,
// `prober call` makes one call, `prober hold` keeps connections open and counts
// what happens to them. It prints JSON.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// answerWithin bounds the wait for the last answer.
const answerWithin = 20 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: prober serve|call|hold|load [flags]")
		os.Exit(2)
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	var (
		name     = flags.String("name", os.Getenv("POD_NAME"), "who answers")
		ports    = flags.String("ports", "", "serve: protocol=port,… with http, closing (http, closes idle connections at once), grpc, tcp, first (server speaks first), tls")
		protocol = flags.String("protocol", "http1", "call, hold: http1, h2c, grpc, tcp, first, tls")
		to       = flags.String("to", "", "call, hold, load: host:port, or URL for load")
		path     = flags.String("path", "/", "call: path of HTTP requests")
		header   = flags.String("header", "", "call, load: a header, name:value; call takes several, one a line")
		lasting  = flags.Duration("for", 10*time.Second, "hold, load: how long")
		every    = flags.Duration("every", 50*time.Millisecond, "hold: pause between messages")
		count    = flags.Int("count", 0, "load: stop after so many requests; 0 is no limit")
		rate     = flags.Int("rate", 100, "load: requests a second")
		bytes    = flags.Int("bytes", 0, "call, hold: size of each message in TCP protocols")
	)
	_ = flags.Parse(os.Args[2:])
	ctxCall, cancel := context.WithTimeout(ctx, *lasting+answerWithin)
	defer cancel()

	var result any
	var err error
	switch os.Args[1] {
	case "serve":
		err = serve(ctx, *name, *ports)
	case "call":
		result, err = call(ctxCall, *protocol, *to, *path, *header, *bytes)
	case "hold":
		result, err = hold(ctx, *protocol, *to, *lasting, *every, *bytes)
	case "load":
		result, err = load(ctxCall, *to, *header, *rate, *count, *lasting)
	default:
		err = fmt.Errorf("unknown command %q", os.Args[1])
	}
	if err != nil {
		result = map[string]string{"error": err.Error()}
	}
	if result != nil {
		_ = json.NewEncoder(os.Stdout).Encode(result)
	}
	if err != nil {
		os.Exit(1)
	}
}
