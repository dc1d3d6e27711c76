package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/queue"
)

// turns bounds the requests that take all cores for a moment: those that try a
// change on the mesh, or compare texts. One of each person is enough, since what
// a console asked before is of no interest once it asks again.
var turns = queue.Limits{AtOnce: 2, AtOnceEach: 1, Waiting: 24, WaitingEach: 8, Patience: 10 * time.Second}

// inTurn mounts a typed handler that is expensive: it waits for its turn.
func inTurn[I, O any](f func(*Handlers, context.Context, *I) (*O, error)) func(*Handlers, *gin.Engine, huma.API, route) {
	return typed(func(h *Handlers, ctx context.Context, in *I) (*O, error) {
		leave, err := h.turn(ctx)
		if err != nil {
			return nil, err
		}
		defer leave()
		return f(h, ctx, in)
	})
}

// turn waits until who asks may do something expensive; leave, which may be
// called twice, ends it.
func (h *Handlers) turn(ctx context.Context) (leave func(), err error) {
	who, _ := auth.From(ctx)
	if leave, err = h.turns.Enter(ctx, who.User); err != nil {
		return nil, problemOf(err)
	}
	return leave, nil
}
