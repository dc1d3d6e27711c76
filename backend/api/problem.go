package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/merge"
	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// Problem is a problem document (RFC 9457): what every error is told as. Its code
// is for programs and stays as it is; its words may change.
type Problem struct {
	huma.ErrorModel
	Code     string         `json:"code" enum:"badRequest,busy,conflict,credentials,crossOrigin,databaseNotWritable,exists,findings,forbidden,internal,invalid,lastAdministrator,methodNotAllowed,notAcceptable,notFound,notOfTheChange,notSignedIn,notUndoable,stale,staysBehind,throttled,timeout,tooLarge,tooManyLogs,unavailable,undone,unknownHost,unsupportedMediaType,wrongPassword" doc:"What went wrong, as a word that stays the same"`
	Params   map[string]any `json:"params,omitempty" doc:"What the words are about, for texts in other languages"`
	Findings []mesh.Finding `json:"findings,omitempty" doc:"What is wrong with the objects of the request"`
	// Forceable is true when force makes the server write all the same.
	Forceable bool             `json:"forceable,omitempty"`
	Conflicts []merge.Conflict `json:"conflicts,omitempty" doc:"What others changed meanwhile"`
}

func newProblem(status int, code, title, detail string) *Problem {
	return &Problem{ErrorModel: huma.ErrorModel{Status: status, Title: title, Detail: detail}, Code: code}
}

// GetHeaders implements huma.HeadersError.
func (p *Problem) GetHeaders() http.Header {
	out := http.Header{}
	if seconds, ok := p.Params["seconds"].(int); ok && (p.Status == http.StatusTooManyRequests || p.Status == http.StatusServiceUnavailable) {
		out.Set("Retry-After", strconv.Itoa(seconds))
	}
	return out
}

// problemOf is the one place where an error becomes an HTTP status.
func problemOf(err error) error {
	var already huma.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		return err
	case errors.Is(err, context.Canceled):
		return huma.NewError(http.StatusServiceUnavailable, "whoever asked is gone; the work ended")
	case errors.Is(err, source.ErrStale):
		return huma.NewError(http.StatusPreconditionFailed, err.Error())
	case errors.Is(err, source.ErrUnreadable):
		return huma.NewError(http.StatusConflict, err.Error())
	case errors.Is(err, source.ErrNotFound), errors.Is(err, history.ErrUnknown):
		return huma.NewError(http.StatusNotFound, err.Error())
	}
	if p := known(err); p != nil {
		return p
	}
	return huma.NewError(http.StatusInternalServerError, err.Error())
}

// codes are those of problems that have no better one, by their status.
var codes = map[int]string{
	http.StatusBadRequest: "badRequest", http.StatusUnauthorized: "notSignedIn", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "notFound", http.StatusMethodNotAllowed: "methodNotAllowed", http.StatusNotAcceptable: "notAcceptable",
	http.StatusRequestTimeout: "timeout", http.StatusConflict: "conflict", http.StatusPreconditionFailed: "stale",
	http.StatusRequestEntityTooLarge: "tooLarge", http.StatusUnsupportedMediaType: "unsupportedMediaType",
	http.StatusUnprocessableEntity: "invalid", http.StatusTooManyRequests: "throttled",
	http.StatusMisdirectedRequest: "unknownHost", http.StatusInternalServerError: "internal", http.StatusBadGateway: "unavailable", http.StatusServiceUnavailable: "unavailable",
}

// coded is a huma transformer: it gives problems that were made by huma their
// code, and takes out of them what was sent, which may be a password. No problem
// repeats long texts.
func coded(_ huma.Context, _ string, v any) (any, error) {
	p, ok := v.(*Problem)
	if made, plain := v.(*huma.ErrorModel); plain {
		for _, detail := range made.Errors {
			detail.Value = nil
		}
		p, ok = &Problem{ErrorModel: *made, Code: codes[made.Status]}, true
	}
	if !ok {
		return v, nil
	}
	p.briefly()
	return p, nil
}

// refuse answers 422 with findings.
func refuse(detail string, findings []mesh.Finding) error {
	p := newProblem(http.StatusUnprocessableEntity, "findings", "invalid object", detail)
	p.Findings = findings
	return p
}

// refuseUnlessForced is the same for what may be forced.
func refuseUnlessForced(detail string, findings []mesh.Finding) error {
	p := newProblem(http.StatusUnprocessableEntity, "findings", "invalid object", detail)
	p.Findings, p.Forceable = findings, true
	return p
}

func notFound(what string) error {
	return huma.NewError(http.StatusNotFound, what+" does not exist")
}

// writeProblem answers outside huma, with the code that goes with the status.
func writeProblem(c *gin.Context, status int, title, detail string) {
	answerProblem(c, newProblem(status, codes[status], title, detail))
}

// answerProblem answers outside huma.
func answerProblem(c *gin.Context, p *Problem) {
	c.Abort()
	sendProblem(c.Writer, p)
}

func sendProblem(w http.ResponseWriter, p *Problem) {
	p.briefly()
	data, err := json.Marshal(p)
	if err != nil {
		data = []byte(`{"title":"internal error","code":"internal"}`)
	}
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	_, _ = w.Write(data) // whoever asked may be gone
}
