// heddle-samples is all sample applications in one program; its first argument
// says which one it is.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/heddle-mesh/heddle/deploy/samples/apps/bookinfo"
	"github.com/heddle-mesh/heddle/deploy/samples/apps/echo"
	"github.com/heddle-mesh/heddle/deploy/samples/apps/server"
	"github.com/heddle-mesh/heddle/deploy/samples/apps/traffic"
)

// app is one application. Its flags are read into what run uses.
type app struct {
	name, summary string
	run           func(ctx context.Context, flags *flag.FlagSet, args []string, env environment) error
}

// apps is the literal list of applications.
var apps = []app{
	{"productpage", "the book shop's page", runProductpage},
	{"details", "facts about a book", runDetails},
	{"reviews", "opinions about a book, with stars from v2 on", runReviews},
	{"ratings", "stars by reviewer", runRatings},
	{"traffic-generator", "visitors of the book shop", runTraffic},
	{"echo", "answers in HTTP/1.1, HTTP/2, gRPC and TCP", runEcho},
}

// environment is what an application has from outside.
type environment struct {
	log    *slog.Logger
	getenv func(string) string
	pod    string
}

// errUsage reports arguments that nobody understands; the text was printed.
var errUsage = errors.New("usage")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	env := environment{log: slog.New(slog.NewTextHandler(os.Stdout, nil)), getenv: os.Getenv, pod: host}
	switch err := run(ctx, os.Args[1:], env, os.Stderr); {
	case errors.Is(err, errUsage):
		os.Exit(2)
	case err != nil:
		env.log.Error("application failed", "error", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, env environment, stderr io.Writer) error {
	if len(args) > 0 {
		for _, a := range apps {
			if a.name != args[0] {
				continue
			}
			flags := flag.NewFlagSet("heddle-samples "+a.name, flag.ContinueOnError)
			flags.SetOutput(stderr)
			return a.run(ctx, flags, args[1:], env)
		}
	}
	fmt.Fprintln(stderr, "usage: heddle-samples APP [flags]")
	for _, a := range apps {
		fmt.Fprintf(stderr, "  %-18s %s\n", a.name, a.summary)
	}
	return errUsage
}

// parse reads flags; what is wrong has been printed when it fails.
func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	if flags.NArg() > 0 {
		fmt.Fprintf(flags.Output(), "unexpected argument %q\n", flags.Arg(0))
		return errUsage
	}
	return nil
}

// httpClient is what applications call each other with. It keeps no limit of
// its own on time: each caller says how long it waits.
func httpClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			MaxIdleConnsPerHost: 100, IdleConnTimeout: 30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func runProductpage(ctx context.Context, flags *flag.FlagSet, args []string, env environment) error {
	cfg := bookinfo.PageConfig{Pod: env.pod, Log: env.log, Client: httpClient()}
	listen := flags.String("listen", ":9080", "`address` to serve on")
	flags.StringVar(&cfg.Version, "version", "v1", "`version` to say")
	flags.StringVar(&cfg.Details, "details", "http://details:9080", "`URL` of details")
	flags.StringVar(&cfg.Reviews, "reviews", "http://reviews:9080", "`URL` of reviews")
	flags.StringVar(&cfg.Ratings, "ratings", "http://ratings:9080", "`URL` of ratings")
	if err := parse(flags, args); err != nil {
		return err
	}
	h, err := bookinfo.NewProductpage(cfg)
	if err != nil {
		return err
	}
	return server.Run(ctx, *listen, h, env.log)
}

func runDetails(ctx context.Context, flags *flag.FlagSet, args []string, env environment) error {
	listen := flags.String("listen", ":9080", "`address` to serve on")
	version := flags.String("version", "v1", "`version` to say")
	if err := parse(flags, args); err != nil {
		return err
	}
	return server.Run(ctx, *listen, bookinfo.NewDetails(*version, env.log), env.log)
}

func runReviews(ctx context.Context, flags *flag.FlagSet, args []string, env environment) error {
	cfg := bookinfo.ReviewsConfig{Pod: env.pod, Log: env.log, Client: httpClient()}
	listen := flags.String("listen", ":9080", "`address` to serve on")
	flags.StringVar(&cfg.Version, "version", "v1", "`version` to be: v1, v2 or v3")
	flags.StringVar(&cfg.Ratings, "ratings", "http://ratings:9080", "`URL` of ratings")
	if err := parse(flags, args); err != nil {
		return err
	}
	h, err := bookinfo.NewReviews(cfg)
	if err != nil {
		return err
	}
	return server.Run(ctx, *listen, h, env.log)
}

func runRatings(ctx context.Context, flags *flag.FlagSet, args []string, env environment) error {
	cfg := bookinfo.RatingsConfig{Log: env.log}
	listen := flags.String("listen", ":9080", "`address` to serve on")
	flags.StringVar(&cfg.Version, "version", "v1", "`version` to be: v-faulty, v-delayed and v-unavailable misbehave, any other serves")
	if err := parse(flags, args); err != nil {
		return err
	}
	return server.Run(ctx, *listen, bookinfo.NewRatings(cfg), env.log)
}

func runTraffic(ctx context.Context, flags *flag.FlagSet, args []string, env environment) error {
	cfg := traffic.Config{Target: "http://ingressgateway", Rate: 10, Client: httpClient(), Log: env.log}
	listen := flags.String("listen", ":9090", "`address` of /metrics and /health")
	if err := parse(flags, args); err != nil {
		return err
	}
	if s := env.getenv("TARGET"); s != "" {
		cfg.Target = s
	}
	if s := env.getenv("RATE"); s != "" {
		rate, err := strconv.ParseFloat(s, 64)
		if err != nil {
			return fmt.Errorf("RATE=%q is not a number of requests per second", s)
		}
		cfg.Rate = rate
	}
	g, err := traffic.New(cfg)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() {
		defer cancel() // the generator does not run on unseen
		served <- server.Run(ctx, *listen, g, env.log)
	}()
	g.Run(ctx)
	cancel()
	return <-served
}

func runEcho(ctx context.Context, flags *flag.FlagSet, args []string, env environment) error {
	cfg := echo.Config{Log: env.log}
	flags.StringVar(&cfg.Name, "name", env.pod, "`name` in every answer")
	flags.StringVar(&cfg.HTTP, "http", ":8080", "`address` of HTTP/1.1 and HTTP/2 without TLS, empty for none")
	flags.StringVar(&cfg.GRPC, "grpc", ":8081", "`address` of grpc.health.v1, empty for none")
	flags.StringVar(&cfg.TCP, "tcp", ":9000", "`address` of the TCP echo, empty for none")
	flags.StringVar(&cfg.ServerFirst, "server-first", ":9001", "`address` of the TCP echo that greets first, empty for none")
	if err := parse(flags, args); err != nil {
		return err
	}
	return echo.Run(ctx, cfg)
}
