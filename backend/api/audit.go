package api

import (
	"context"

	"github.com/heddle-mesh/heddle/backend/auth"
)

type auditInput struct {
	Limit  int    `query:"limit" default:"50" minimum:"1" maximum:"500"`
	Before int64  `query:"before" minimum:"0" doc:"Only entries before this one; the last answer's next"`
	User   string `query:"user" maxLength:"64" doc:"Only what this user did"`
	Action string `query:"action" maxLength:"64" doc:"Only this action, such as session.signIn"`
}

type auditOutput struct {
	Body struct {
		Items []auth.Entry `json:"items"`
		Next  int64        `json:"next,omitempty" doc:"To be sent as before, to go on; absent at the end"`
	}
}

// listAudit lists what was done, the newest first.
func (h *Handlers) listAudit(ctx context.Context, in *auditInput) (*auditOutput, error) {
	items, next, err := h.auth.Audit().List(ctx, auth.AuditQuery{Actor: in.User, Action: in.Action, Before: in.Before, Limit: in.Limit})
	if err != nil {
		return nil, problemOf(err)
	}
	out := &auditOutput{}
	out.Body.Items, out.Body.Next = append([]auth.Entry{}, items...), next
	return out, nil
}
