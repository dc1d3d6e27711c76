package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/mesh"
	"github.com/heddle-mesh/heddle/mesh/source"
)

// refusal is a problem document (RFC 9457) with the findings that caused it.
type refusal struct {
	huma.ErrorModel
	Findings []mesh.Finding `json:"findings,omitempty"`
}

// problemOf is the one place where an error becomes an HTTP status.
func problemOf(err error) error {
	var already huma.StatusError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &already):
		return err
	case errors.Is(err, source.ErrStale):
		return huma.NewError(http.StatusPreconditionFailed, err.Error())
	case errors.Is(err, source.ErrNotFound):
		return huma.NewError(http.StatusNotFound, err.Error())
	}
	return huma.NewError(http.StatusInternalServerError, err.Error())
}

// refuse answers 422 with findings.
func refuse(detail string, findings []mesh.Finding) error {
	return &refusal{
		ErrorModel: huma.ErrorModel{Status: http.StatusUnprocessableEntity, Title: "invalid object", Detail: detail},
		Findings:   findings,
	}
}

func notFound(what string) error {
	return huma.NewError(http.StatusNotFound, what+" does not exist")
}

// writeProblem answers outside huma.
func writeProblem(c *gin.Context, status int, title, detail string) {
	data, err := json.Marshal(huma.ErrorModel{Status: status, Title: title, Detail: detail})
	if err != nil {
		data = []byte(`{"title":"internal error"}`)
	}
	c.Abort()
	c.Data(status, "application/problem+json", data)
}
