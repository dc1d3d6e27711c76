package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/heddle-mesh/heddle/backend/api"
	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/backend/database"
	"github.com/heddle-mesh/heddle/backend/history"
	"github.com/heddle-mesh/heddle/backend/settings"
	"github.com/heddle-mesh/heddle/frontend"
)

// people are who may come in, and the database that knows them.
type people struct {
	database *database.DB
	auth     *auth.Auth
}

// openPeople opens the database of a state folder with all its tables.
func openPeople(ctx context.Context, s settings.Settings, log *slog.Logger) (people, error) {
	db, err := database.Open(ctx, filepath.Join(s.State, "heddle.db"), log,
		auth.Tables(), database.Concern{Name: "history", Files: history.Migrations()})
	if err != nil {
		return people{}, err
	}
	a, err := auth.Open(ctx, auth.Options{DB: db, Log: log, Idle: s.Session.Idle, Absolute: s.Session.Absolute, Owner: ownerName()})
	if err != nil {
		return people{}, errors.Join(err, db.Close())
	}
	return people{db, a}, nil
}

func (p people) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return p.database.Run(ctx) })
	group.Go(func() error { return p.auth.Run(ctx) })
	return group.Wait()
}

// passwordVariable has the password of the first administrator.
const passwordVariable = "HEDDLE_ADMIN_PASSWORD"

// FirstAdministrator is who may sign in to a mesh that nobody could sign in to.
type FirstAdministrator struct {
	Name string
	// Password is the one that was made up; "" when it came from the environment.
	Password string
}

// MakeFirstAdministrator makes the first user of a state folder that has none,
// before a control plane runs on it. The password is that of
// HEDDLE_ADMIN_PASSWORD, or one that is made up. It gives nil when there are
// users already.
func MakeFirstAdministrator(ctx context.Context, s settings.Settings, log *slog.Logger) (*FirstAdministrator, error) {
	p, err := openPeople(ctx, s, log)
	if err != nil {
		return nil, err
	}
	defer p.database.Close()
	if err := p.database.Writable(); err != nil {
		return nil, err
	}
	return p.makeFirst(ctx, true)
}

// makeFirst makes the first user, if there is none: with a password from the
// environment, or else with one that is made up, where somebody reads it.
func (p people) makeFirst(ctx context.Context, makeUp bool) (*FirstAdministrator, error) {
	password := os.Getenv(passwordVariable)
	if password == "" && !makeUp {
		return nil, nil
	}
	made, generated, err := p.auth.FirstAdministrator(ctx, password)
	if err != nil {
		return nil, fmt.Errorf("make the first administrator: %w", err)
	}
	if !made {
		return nil, nil
	}
	return &FirstAdministrator{Name: auth.FirstName, Password: generated}, nil
}

// welcome makes the first administrator of a control plane that nobody prepared,
// and says how to when it cannot.
func (p *plane) welcome(ctx context.Context) error {
	made, err := p.people.makeFirst(ctx, false)
	switch {
	case database.IsNotWritable(err):
		return nil // the database says so itself
	case err != nil:
		return err
	case made != nil:
		p.log.InfoContext(ctx, "made the first administrator, with the password of "+passwordVariable, "user", made.Name)
		return nil
	}
	users, err := p.people.auth.Users(ctx)
	if err == nil && len(users) == 0 {
		p.log.WarnContext(ctx, "nobody can sign in to the console yet; make a user with `heddle user add NAME --role admin`, or set "+passwordVariable)
	}
	return err
}

// console is the front end in this program.
func console() (*api.Console, error) {
	files, _, err := frontend.Files()
	if err != nil {
		return nil, err
	}
	return api.NewConsole(files)
}
