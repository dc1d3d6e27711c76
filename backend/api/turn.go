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
// a console asked before is of no interest once it asks again. However many look
// at changes, there is a place for who makes one.
var turns = queue.Limits{AtOnce: 3, AtOnceEach: 1, Kept: 1, Waiting: 64, WaitingEach: 8, Patience: 10 * time.Second}

// turnKey is where a context has what ends the turn of its request.
type turnKey struct{}

// inTurn mounts a typed handler that is expensive: it waits for its turn, which
// ends with the handler, or when that has nothing left but to wait. Whose route
// needs more than to view writes.
func inTurn[I, O any](f func(*Handlers, context.Context, *I) (*O, error)) func(*Handlers, *gin.Engine, huma.API, route) {
	return func(h *Handlers, e *gin.Engine, a huma.API, r route) {
		kind := queue.Read
		if r.needs != View {
			kind = queue.Write
		}
		typed(func(h *Handlers, ctx context.Context, in *I) (*O, error) {
			who, _ := auth.From(ctx)
			leave, err := h.turns.Enter(ctx, who.User, kind)
			if err != nil {
				return nil, problemOf(err)
			}
			defer leave()
			return f(h, context.WithValue(ctx, turnKey{}, leave), in)
		})(h, e, a, r)
	}
}

// endTurn lets the next one in: what is left of a request costs nothing. It may
// be called twice, and without a turn.
func endTurn(ctx context.Context) {
	if leave, ok := ctx.Value(turnKey{}).(func()); ok {
		leave()
	}
}
