package auth

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// User is a person that may sign in.
type User struct {
	Name       string     `json:"name"`
	Role       Role       `json:"role" enum:"viewer,operator,admin"`
	Disabled   bool       `json:"disabled"`
	Created    time.Time  `json:"created"`
	LastSignIn *time.Time `json:"lastSignIn,omitempty"`

	password string // its hash
}

var userName = regexp.MustCompile(`^[a-z0-9][a-z0-9._@+-]{0,63}$`)

// canonicalName is how a name is kept and compared.
func canonicalName(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

func checkUserName(name string) error {
	switch {
	case name == OwnerName:
		return invalid("name", "stands for whoever owns the mesh's socket; choose another one")
	case !userName.MatchString(name):
		return invalid("name", "must have 1 to 64 of a-z, 0-9, '.', '_', '@', '+', '-', and begin with a letter or digit")
	}
	return nil
}

func checkRole(r Role) error {
	if !slices.Contains(Roles(), r) {
		return invalid("role", "must be viewer, operator or admin")
	}
	return nil
}

const userColumns = "name, role, password, disabled, created, last_sign_in"

// scanUser reads one row of userColumns.
func scanUser(scan func(...any) error) (User, error) {
	var u User
	var created int64
	var last sql.NullInt64
	if err := scan(&u.Name, &u.Role, &u.password, &u.Disabled, &created, &last); err != nil {
		return User{}, err
	}
	u.Created = fromMillis(created)
	if last.Valid {
		at := fromMillis(last.Int64)
		u.LastSignIn = &at
	}
	return u, nil
}

// readRoles are the roles of the users that may come in.
func readRoles(ctx context.Context, db *sql.DB) (map[string]Role, error) {
	rows, err := db.QueryContext(ctx, "SELECT name, role FROM users WHERE NOT disabled")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]Role{}
	for rows.Next() {
		var name string
		var role Role
		if err := rows.Scan(&name, &role); err != nil {
			return nil, err
		}
		out[name] = role
	}
	return out, rows.Err()
}

// Users lists all users by name.
func (a *Auth) Users(ctx context.Context) ([]User, error) {
	rows, err := a.db.Read().QueryContext(ctx, "SELECT "+userColumns+" FROM users ORDER BY name")
	if err != nil {
		return nil, fmt.Errorf("read users: %w", err)
	}
	defer rows.Close()
	out := []User{}
	for rows.Next() {
		u, err := scanUser(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("read users: %w", err)
		}
		out = append(out, u)
	}
	return out, rows.Err()
}

// find is one user.
func (a *Auth) find(ctx context.Context, name string) (User, error) {
	u, err := scanUser(a.db.Read().QueryRowContext(ctx, "SELECT "+userColumns+" FROM users WHERE name = ?", name).Scan)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return User{}, fmt.Errorf("user %q: %w", name, ErrNotFound)
	case err != nil:
		return User{}, fmt.Errorf("read user %q: %w", name, err)
	}
	return u, nil
}

// AddUser makes a user.
func (a *Auth) AddUser(ctx context.Context, name string, role Role, password string) (User, error) {
	name = canonicalName(name)
	if err := errors.Join(checkUserName(name), checkRole(role), checkPassword(password, name)); err != nil {
		return User{}, firstOf(err)
	}
	u, err := a.addUser(ctx, name, role, password)
	a.record(ctx, Entry{Action: "user.add", Target: name, Detail: "role " + string(role)}, err)
	return u, err
}

func (a *Auth) addUser(ctx context.Context, name string, role Role, password string) (User, error) {
	hash, err := a.passwords.hash(ctx, password)
	if err != nil {
		return User{}, err
	}
	u := User{Name: name, Role: role, Created: a.now().UTC().Truncate(time.Millisecond), password: hash}
	a.people.Lock()
	defer a.people.Unlock()
	err = a.db.Write(ctx, func(tx *sql.Tx) error {
		added, err := tx.ExecContext(ctx, "INSERT INTO users (name, role, password, disabled, created) VALUES (?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
			u.Name, string(u.Role), u.password, millis(u.Created))
		if err != nil {
			return err
		}
		if n, err := added.RowsAffected(); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("user %q: %w", name, ErrExists))
		}
		return nil
	})
	if err != nil {
		return User{}, err
	}
	a.changed(ctx, u, false)
	return u, nil
}

// UserChange says what is to be different about a user; what is nil stays.
type UserChange struct {
	Role     *Role
	Disabled *bool
	Password *string
}

// ChangeUser changes a user, and ends what it had open.
func (a *Auth) ChangeUser(ctx context.Context, name string, c UserChange) (User, error) {
	name = canonicalName(name)
	var said []string
	if c.Role != nil {
		if err := checkRole(*c.Role); err != nil {
			return User{}, err
		}
		said = append(said, "role "+string(*c.Role))
	}
	if c.Disabled != nil {
		said = append(said, map[bool]string{true: "disabled", false: "enabled"}[*c.Disabled])
	}
	hash := ""
	if c.Password != nil {
		if err := checkPassword(*c.Password, name); err != nil {
			return User{}, err
		}
		var err error
		if hash, err = a.passwords.hash(ctx, *c.Password); err != nil {
			return User{}, err
		}
		said = append(said, "password")
	}
	u, err := a.changeUser(ctx, name, func(u *User) {
		if c.Role != nil {
			u.Role = *c.Role
		}
		if c.Disabled != nil {
			u.Disabled = *c.Disabled
		}
		if c.Password != nil {
			u.password = hash
		}
	})
	a.record(ctx, Entry{Action: "user.change", Target: name, Detail: strings.Join(said, ", ")}, err)
	return u, err
}

func (a *Auth) changeUser(ctx context.Context, name string, change func(*User)) (User, error) {
	a.people.Lock()
	defer a.people.Unlock()
	u, err := a.find(ctx, name)
	if err != nil {
		return User{}, err
	}
	change(&u)
	err = a.db.Write(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "UPDATE users SET role = ?, disabled = ?, password = ? WHERE name = ?", string(u.Role), u.Disabled, u.password, name)
		if err != nil {
			return err
		}
		return anAdministratorStays(ctx, tx)
	})
	if err != nil {
		return User{}, err
	}
	a.changed(ctx, u, false)
	return u, nil
}

// RemoveUser removes a user with its sessions and tokens.
func (a *Auth) RemoveUser(ctx context.Context, name string) error {
	name = canonicalName(name)
	err := a.removeUser(ctx, name)
	a.record(ctx, Entry{Action: "user.remove", Target: name}, err)
	return err
}

func (a *Auth) removeUser(ctx context.Context, name string) error {
	a.people.Lock()
	defer a.people.Unlock()
	u, err := a.find(ctx, name)
	if err != nil {
		return err
	}
	err = a.db.Write(ctx, func(tx *sql.Tx) error {
		for _, q := range []string{"DELETE FROM users WHERE name = ?", "DELETE FROM tokens WHERE owner = ?"} {
			if _, err := tx.ExecContext(ctx, q, name); err != nil {
				return err
			}
		}
		return anAdministratorStays(ctx, tx)
	})
	if err != nil {
		return err
	}
	a.changed(ctx, u, true)
	return nil
}

func anAdministratorStays(ctx context.Context, tx *sql.Tx) error {
	var n int
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM users WHERE role = ? AND NOT disabled", string(AdminRole)).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return ErrLastAdministrator
	}
	return nil
}

// changed makes what is in memory follow a user that changed: sessions end, and
// tokens are told. The caller holds people.
func (a *Auth) changed(ctx context.Context, u User, removed bool) {
	a.mu.Lock()
	delete(a.roles, u.Name)
	if !u.Disabled && !removed {
		a.roles[u.Name] = u.Role
	}
	for hash, t := range a.tokens {
		if t.Owner != u.Name {
			continue
		}
		close(t.ended)
		t.ended = make(chan struct{})
		if removed {
			close(t.ended)
			delete(a.tokens, hash)
		}
	}
	a.mu.Unlock()
	a.endAllOf(ctx, u.Name)
}

// FirstName is that of the first administrator.
const FirstName = "admin"

// FirstAdministrator makes the user admin when there is no user yet: with the
// given password, or with one that it makes up. It tells whether it did, and the
// password it made up.
func (a *Auth) FirstAdministrator(ctx context.Context, password string) (made bool, generated string, err error) {
	users, err := a.Users(ctx)
	if err != nil || len(users) > 0 {
		return false, "", err
	}
	if password == "" {
		generated = generatePassword()
		password = generated
	}
	// A password from outside is its owner's business; the bounds are not.
	if len(password) > maxPassword {
		return false, "", invalid("password", fmt.Sprintf("is longer than %d bytes", maxPassword))
	}
	if _, err = a.addUser(ctx, FirstName, AdminRole, password); err != nil {
		return false, "", err
	}
	a.record(With(ctx, Session{User: OwnerName, Role: OwnerRole, Via: CLI}), Entry{Action: "user.add", Target: FirstName, Detail: "the first administrator"}, nil)
	return true, generated, nil
}

// record notes an action of this package with what came of it.
func (a *Auth) record(ctx context.Context, e Entry, err error) {
	e.Outcome = Done
	if err != nil {
		e.Outcome, e.Detail = Failed, strings.TrimPrefix(e.Detail+": "+err.Error(), ": ")
	}
	a.audit.Record(ctx, e)
}

// firstOf is the first of joined errors: one at a time is told.
func firstOf(err error) error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			if e != nil {
				return e
			}
		}
	}
	return err
}
