package api

import (
	"context"

	"github.com/heddle-mesh/heddle/backend/auth"
)

type usersOutput struct{ Body []auth.User }

func (h *Handlers) users(ctx context.Context, _ *struct{}) (*usersOutput, error) {
	list, err := h.auth.Users(ctx)
	if err != nil {
		return nil, problemOf(err)
	}
	return &usersOutput{list}, nil
}

type userOutput struct{ Body auth.User }

type addUserInput struct {
	Body struct {
		Name     string    `json:"name"`
		Role     auth.Role `json:"role" enum:"viewer,operator,admin"`
		Password string    `json:"password"`
	}
}

func (h *Handlers) addUser(ctx context.Context, in *addUserInput) (*userOutput, error) {
	u, err := h.auth.AddUser(ctx, in.Body.Name, in.Body.Role, in.Body.Password)
	if err != nil {
		return nil, problemOf(err)
	}
	return &userOutput{u}, nil
}

// UserPath names a user in a path.
type UserPath struct {
	Name string `path:"name" maxLength:"64"`
}

type changeUserInput struct {
	UserPath
	Body struct {
		Role     *auth.Role `json:"role,omitempty" enum:"viewer,operator,admin"`
		Disabled *bool      `json:"disabled,omitempty"`
		Password *string    `json:"password,omitempty"`
	}
}

func (h *Handlers) changeUser(ctx context.Context, in *changeUserInput) (*userOutput, error) {
	u, err := h.auth.ChangeUser(ctx, in.Name, auth.UserChange{Role: in.Body.Role, Disabled: in.Body.Disabled, Password: in.Body.Password})
	if err != nil {
		return nil, problemOf(err)
	}
	return &userOutput{u}, nil
}

func (h *Handlers) removeUser(ctx context.Context, in *UserPath) (*struct{}, error) {
	return nil, problemOf(h.auth.RemoveUser(ctx, in.Name))
}
