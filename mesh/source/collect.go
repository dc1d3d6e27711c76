package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/heddle-mesh/heddle/mesh"
)

// Config says what Collect gathers.
type Config struct {
	Settings mesh.Settings
	// Sources in the order in which their objects and findings are listed.
	// Their names differ.
	Sources []Source
	// Optional names the sources that nothing waits for at the start. All
	// others are required: nothing is said before each has spoken once.
	Optional []string
	Log      *slog.Logger // nil discards

	// Quiet ends a burst: so long nothing changed. Most bounds how long a
	// burst is gathered. Zero is 50 ms and 500 ms.
	Quiet, Most time.Duration
}

// Tokens holds the token of the update of each source that a set of inputs
// contains, by source name.
type Tokens map[string]uint64

// word is what one source said last.
type word struct {
	update Update
	spoken bool
	away   error // not nil while the source has failed
}

// report is what the goroutine of a source tells.
type report struct {
	source int
	update Update
	failed error // not nil when Run returned
}

// Collect runs all sources and calls each with the last word of all of them,
// from one goroutine, until ctx ends; then it waits for the sources and returns
// ctx's error.
//
// The first change after a pause goes at once; of a burst, what follows is
// gathered. A source whose Run fails is started again; its last word stands
// meanwhile, together with a finding.
func Collect(ctx context.Context, cfg Config, each func(mesh.Inputs, Tokens)) error {
	if err := cfg.check(); err != nil {
		return err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Quiet == 0 {
		cfg.Quiet = 50 * time.Millisecond
	}
	if cfg.Most == 0 {
		cfg.Most = 500 * time.Millisecond
	}

	reports := make(chan report)
	var running sync.WaitGroup
	for i, s := range cfg.Sources {
		running.Go(func() { run(ctx, i, s, reports) })
	}
	defer running.Wait()

	words := make([]word, len(cfg.Sources))
	var (
		due     <-chan time.Time // not nil while a burst is gathered
		since   time.Time        // when that burst began
		changed time.Time        // the last change, sent or gathered
		open    bool             // each required source has spoken
	)
	say := func() {
		due = nil
		in, tokens := cfg.join(words)
		each(in, tokens)
	}
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-due:
			say()
		case r := <-reports:
			if !words[r.source].hear(r) {
				continue
			}
			if r.failed != nil {
				cfg.Log.Warn("source failed", "source", cfg.Sources[r.source].Name(), "error", r.failed)
			}
			now := time.Now()
			calm := now.Sub(changed) >= cfg.Quiet
			changed = now
			if !open {
				if open = cfg.complete(words); open {
					say()
				}
				continue
			}
			switch {
			case due == nil && calm:
				say()
			default:
				if due == nil {
					since = now
				}
				due = time.After(min(cfg.Quiet, since.Add(cfg.Most).Sub(now)))
			}
		}
	}
}

// check finds mistakes of the caller.
func (cfg Config) check() error {
	var names []string
	for _, s := range cfg.Sources {
		if slices.Contains(names, s.Name()) {
			return fmt.Errorf("two sources are named %q", s.Name())
		}
		names = append(names, s.Name())
	}
	for _, name := range cfg.Optional {
		if !slices.Contains(names, name) {
			return fmt.Errorf("optional source %q is not among the sources %q", name, names)
		}
	}
	return nil
}

// complete reports whether each required source has spoken.
func (cfg Config) complete(words []word) bool {
	for i, s := range cfg.Sources {
		if !words[i].spoken && !slices.Contains(cfg.Optional, s.Name()) {
			return false
		}
	}
	return true
}

// join lists the last words of all sources.
func (cfg Config) join(words []word) (mesh.Inputs, Tokens) {
	in := mesh.Inputs{Settings: cfg.Settings}
	tokens := Tokens{}
	for i, w := range words {
		name := cfg.Sources[i].Name()
		if w.spoken {
			tokens[name] = w.update.Token
		}
		in.Objects = append(in.Objects, w.update.Objects...)
		in.Findings = append(in.Findings, w.update.Findings...)
		if w.away != nil {
			in.Findings = append(in.Findings, mesh.Finding{
				Code: mesh.CodeSourceAway, Severity: mesh.Warning, Phase: mesh.PhaseSource,
				Message: fmt.Sprintf("Source %q failed (%v) and is tried again. What it said last stands.", name, w.away),
				Params:  map[string]string{"source": name, "error": w.away.Error()},
			})
		}
	}
	return in, tokens
}

// hear takes a report and says whether it changes anything.
func (w *word) hear(r report) bool {
	if r.failed == nil {
		w.update, w.spoken, w.away = r.update, true, nil
		return true
	}
	again := w.away != nil && w.away.Error() == r.failed.Error()
	w.away = r.failed
	return !again
}

// errEnded is the failure of a source whose Run ended for no reason.
var errEnded = errors.New("it ended")

// run keeps one source running until ctx ends.
func run(ctx context.Context, i int, s Source, reports chan<- report) {
	const longest = 5 * time.Second
	pause := 250 * time.Millisecond
	for ctx.Err() == nil {
		updates := make(chan Update)
		ended := make(chan error, 1)
		go func() { ended <- s.Run(ctx, updates) }()
		var failed error
		for failed == nil {
			r := report{source: i}
			select {
			case r.update = <-updates:
				pause = 250 * time.Millisecond
			case failed = <-ended:
				if failed == nil {
					failed = errEnded
				}
				r.failed = failed
			}
			select {
			case reports <- r:
			case <-ctx.Done():
				if failed == nil {
					drain(updates, ended)
				}
				return
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause = min(2*pause, longest)
	}
}

// drain lets a source that is asked to end do so.
func drain(updates <-chan Update, ended <-chan error) {
	for {
		select {
		case <-updates:
		case <-ended:
			return
		}
	}
}
