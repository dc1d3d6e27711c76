package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/heddle-mesh/heddle/backend/auth"
)

type tokensOutput struct{ Body []auth.TokenInfo }

// tokens lists those of who asks, and to administrators those of everybody.
func (h *Handlers) tokens(ctx context.Context, _ *struct{}) (*tokensOutput, error) {
	who, _ := auth.From(ctx)
	owner := who.User
	if who.Role.Can(Admin) {
		owner = ""
	}
	return &tokensOutput{h.auth.Tokens(owner)}, nil
}

type createTokenInput struct {
	Body struct {
		Name    string    `json:"name"`
		Role    auth.Role `json:"role" enum:"viewer,operator,admin"`
		Expires string    `json:"expires,omitempty" default:"720h" doc:"How long it is good, such as 720h"`
	}
}

// NewToken is a token with its secret.
type NewToken struct {
	auth.TokenInfo
	Token string `json:"token" doc:"To be sent as a bearer token; it cannot be asked for again"`
}

type createTokenOutput struct{ Body NewToken }

func (h *Handlers) createToken(ctx context.Context, in *createTokenInput) (*createTokenOutput, error) {
	life, err := time.ParseDuration(in.Body.Expires)
	if err != nil {
		return nil, huma.NewError(http.StatusUnprocessableEntity, "expires must be a duration, such as 720h")
	}
	info, secret, err := h.auth.CreateToken(ctx, in.Body.Name, in.Body.Role, life)
	if err != nil {
		return nil, problemOf(err)
	}
	return &createTokenOutput{NewToken{info, secret}}, nil
}

type tokenPath struct {
	ID string `path:"id" maxLength:"32"`
}

func (h *Handlers) revokeToken(ctx context.Context, in *tokenPath) (*struct{}, error) {
	return nil, problemOf(h.auth.RevokeToken(ctx, in.ID))
}
