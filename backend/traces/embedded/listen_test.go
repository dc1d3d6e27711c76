package embedded

import (
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestQuestionsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := make(turns, 1)
		ctx, done, err := turns.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := ctx.Deadline(); !ok || time.Until(d) != answerWithin {
			t.Errorf("deadline %v, %v", d, ok)
		}
		if _, _, err := turns.take(t.Context()); status.Code(err) != codes.ResourceExhausted {
			t.Errorf("one too many: %v", err)
		}
		done()
		_, done, err = turns.take(t.Context())
		if err != nil {
			t.Fatalf("a turn that is free again is not given: %v", err)
		}
		done()
	})
}
