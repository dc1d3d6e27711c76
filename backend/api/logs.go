package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humagin"
	"github.com/klauspost/compress/gzhttp"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/xds/agent"
)

// Pods is what the API asks of the programs of pods.
type Pods interface {
	// Logs is what a container wrote; the caller closes it. It fails with ErrNoLogs
	// where nobody keeps that.
	Logs(ctx context.Context, r LogsRequest) (io.ReadCloser, error)
	// LogLevel tells how much the proxy of a pod logs, after it was set to level
	// unless that is empty.
	LogLevel(ctx context.Context, podUID, level string) (agent.LogLevel, error)
}

// LogsRequest says which output of a pod is wanted.
type LogsRequest struct {
	Namespace, Pod string
	Container      string // empty is the first; "proxy" is the proxy
	Tail           int    // lines from the end
	Follow         bool   // go on with what is added
}

// ErrNoLogs reports that the output of pods is kept by nobody who can be asked.
var ErrNoLogs = errors.New("no local cluster answers, which would have the output of its pods")

// Bounds of reading logs.
const (
	maxTail      = 10_000
	maxLogBytes  = 8 << 20 // of one answer that does not follow
	followFor    = 30 * time.Minute
	maxFollowers = 64
	logWrite     = 30 * time.Second // how long a reader may take nothing
)

type logsInput struct {
	Namespace string `path:"namespace" maxLength:"253"`
	Pod       string `path:"pod" maxLength:"253"`
	Container string `query:"container" maxLength:"253" doc:"Name of the container; proxy is the proxy; the first one when empty"`
	Tail      int    `query:"tail" default:"500" minimum:"0" maximum:"10000" doc:"Only so many lines from the end"`
	Follow    bool   `query:"follow" doc:"Go on with what is added, for at most 30 minutes"`
}

// logs sends what a container wrote as text, at once and as it comes. A program
// in a pod wrote it: it may hold anything.
func (h *Handlers) logs(ctx context.Context, in *logsInput) (*huma.StreamResponse, error) {
	known := false
	for w := range h.mesh.Snapshot().Workloads.Values() {
		known = known || w.Namespace == in.Namespace && w.Pod == in.Pod
	}
	if !known {
		return nil, notFound("pod " + in.Namespace + "/" + in.Pod)
	}
	end := func() {}
	if in.Follow {
		select {
		case h.following <- struct{}{}:
			end = func() { <-h.following }
		default:
			return nil, newProblem(http.StatusTooManyRequests, "tooManyLogs", "too many logs are followed", "too many logs are followed at this moment: close one, or read without follow")
		}
	}
	ctx, cancel := context.WithTimeout(ctx, followFor)
	stop := func() {
		cancel()
		end()
	}
	if who, ok := auth.From(ctx); ok && who.ID != "" && h.auth != nil {
		ended := h.auth.Ended(who.ID)
		go func() {
			select {
			case <-ended:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	text, err := h.mesh.Logs(ctx, LogsRequest{Namespace: in.Namespace, Pod: in.Pod, Container: in.Container, Tail: in.Tail, Follow: in.Follow})
	if err != nil {
		stop()
		if errors.Is(err, ErrNoLogs) {
			return nil, huma.NewError(http.StatusServiceUnavailable, err.Error())
		}
		return nil, huma.NewError(http.StatusNotFound, err.Error())
	}
	return &huma.StreamResponse{Body: func(hctx huma.Context) {
		defer stop()
		defer text.Close()
		defer context.AfterFunc(ctx, func() { text.Close() })()
		hctx.SetHeader("Content-Type", "text/plain; charset=utf-8")
		hctx.SetHeader("X-Accel-Buffering", "no")
		var from io.Reader = text
		if in.Follow {
			hctx.SetHeader(gzhttp.HeaderNoCompression, "1") // it would hold lines back
		} else {
			from = io.LimitReader(text, maxLogBytes)
		}
		w := humagin.Unwrap(hctx).Writer
		w.WriteHeaderNow()
		control := http.NewResponseController(w)
		// Who follows a silent log sees that it is there.
		if _, err := w.Write(nil); err != nil || control.Flush() != nil {
			return
		}
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer)
			if n > 0 {
				// A server without deadlines has none to be moved.
				_ = control.SetWriteDeadline(time.Now().Add(logWrite))
				if _, err := w.Write(buffer[:n]); err != nil || control.Flush() != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}}, nil
}

type logLevelInput struct {
	Proxy string `path:"proxy" maxLength:"253"`
}

type setLogLevelInput struct {
	Proxy string `path:"proxy" maxLength:"253"`
	Body  struct {
		Level string `json:"level" enum:"trace,debug,info,warning,error,critical,off"`
	}
}

type logLevelOutput struct{ Body agent.LogLevel }

func (h *Handlers) logLevel(ctx context.Context, in *logLevelInput) (*logLevelOutput, error) {
	return h.askLogLevel(ctx, in.Proxy, "")
}

func (h *Handlers) setLogLevel(ctx context.Context, in *setLogLevelInput) (*logLevelOutput, error) {
	if !slices.Contains(agent.LogLevels(), in.Body.Level) {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "level must be one that Envoy has, such as debug")
	}
	out, err := h.askLogLevel(ctx, in.Proxy, in.Body.Level)
	if h.auth != nil {
		e := auth.Entry{Action: "proxy.logLevel", Target: in.Proxy, Outcome: auth.Done, Detail: in.Body.Level}
		if err != nil {
			e.Outcome, e.Detail = auth.Failed, in.Body.Level+": "+err.Error()
		}
		h.auth.Audit().Record(ctx, e)
	}
	return out, err
}

func (h *Handlers) askLogLevel(ctx context.Context, proxy, level string) (*logLevelOutput, error) {
	w, err := h.findWorkload(proxy)
	if err != nil {
		return nil, err
	}
	if !hasProxy(w) {
		return nil, huma.NewError(http.StatusNotFound, "pod "+w.Namespace+"/"+w.Pod+" has no proxy")
	}
	answer, err := h.mesh.LogLevel(ctx, w.UID, level)
	if err != nil {
		return nil, huma.NewError(http.StatusBadGateway, "the proxy of "+w.Namespace+"/"+w.Pod+" does not answer: "+err.Error())
	}
	return &logLevelOutput{answer}, nil
}

func hasProxy(w *mesh.Workload) bool { return w.Meshed || w.Gateway }
