package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/heddle-mesh/heddle/backend/auth"
	"github.com/heddle-mesh/heddle/mesh/plain"
)

func roleChoice(value auth.Role) *choice {
	c := &choice{value: string(value)}
	for _, r := range auth.Roles() {
		c.values = append(c.values, string(r))
	}
	return c
}

func newUser(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "user",
		Short: "Who may sign in to the console",
		Long: `Who may sign in to the console, and what each may do there: a viewer looks, an
operator also moves traffic, an administrator writes everything that configures
the mesh and looks after the users.

A user that is changed is signed out everywhere at once.`,
	}
	role := roleChoice(auth.Viewer)
	add := &cobra.Command{
		Use:   "add NAME",
		Short: "Make a user; asks for the password, or reads it from standard input",
		Args:  words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			password, err := readPassword(cmd.InOrStdin(), cmd.ErrOrStderr(), "password of "+args[0])
			if err != nil {
				return err
			}
			var u auth.User
			body := map[string]string{"name": args[0], "role": role.value, "password": password}
			if err := callPath(cmd.Context(), g, http.MethodPost, "/api/v1/users", body, &u); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s can sign in, with the role %s\n", plain.Text(u.Name), u.Role)
			return nil
		},
	}
	add.Flags().Var(role, "role", joinOr(role.values))
	cmd.AddCommand(
		newUserList(g), add,
		userCommand(g, "passwd NAME", "Change a user's password; asks for it, or reads it from standard input", 1, func(cmd *cobra.Command, args []string) (any, string, error) {
			password, err := readPassword(cmd.InOrStdin(), cmd.ErrOrStderr(), "new password of "+args[0])
			return map[string]string{"password": password}, "has a new password, and is signed out everywhere", err
		}),
		userCommand(g, "role NAME ROLE", "Change what a user may do: "+joinOr(role.values), 2, func(_ *cobra.Command, args []string) (any, string, error) {
			return map[string]string{"role": args[1]}, "has the role " + args[1] + ", and is signed out everywhere", nil
		}),
		userCommand(g, "disable NAME", "Keep a user from signing in", 1, func(*cobra.Command, []string) (any, string, error) {
			return map[string]bool{"disabled": true}, "cannot sign in any more, and is signed out everywhere", nil
		}),
		userCommand(g, "enable NAME", "Let a disabled user sign in again", 1, func(*cobra.Command, []string) (any, string, error) {
			return map[string]bool{"disabled": false}, "can sign in again", nil
		}),
		&cobra.Command{
			Use:   "remove NAME",
			Short: "Remove a user with all tokens",
			Args:  words(1, 1),
			RunE: func(cmd *cobra.Command, args []string) error {
				if err := callPath(cmd.Context(), g, http.MethodDelete, "/api/v1/users/"+url.PathEscape(args[0]), nil, nil); err != nil {
					return err
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%s is gone\n", plain.Text(args[0]))
				return nil
			},
		},
	)
	return cmd
}

// userCommand changes one user; what gives the change, and what to say of it.
func userCommand(g *globals, use, short string, n int, what func(*cobra.Command, []string) (any, string, error)) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: words(n, n),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, said, err := what(cmd, args)
			if err != nil {
				return err
			}
			var u auth.User
			if err := callPath(cmd.Context(), g, http.MethodPatch, "/api/v1/users/"+url.PathEscape(args[0]), body, &u); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s %s\n", plain.Text(u.Name), said)
			return nil
		},
	}
}

func newUserList(g *globals) *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "All users", Args: words(0, 0)}
	out := addOutput(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var users []auth.User
		if err := callPath(cmd.Context(), g, http.MethodGet, "/api/v1/users", nil, &users); err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if out.value == "json" {
			return printJSON(w, users)
		}
		rows := make([][]string, len(users))
		for i, u := range users {
			state := "can sign in"
			if u.Disabled {
				state = "disabled"
			}
			rows[i] = []string{u.Name, string(u.Role), state, shortTime(&u.Created), shortTime(u.LastSignIn)}
		}
		if len(rows) == 0 {
			fmt.Fprintln(w, "there are no users; `heddle user add NAME --role admin` makes one")
			return nil
		}
		printTable(w, []string{"name", "role", "state", "created", "last sign-in"}, rows)
		return nil
	}
	return cmd
}

func newToken(g *globals) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "What programs come in with",
		Long: `Tokens let programs use the console's API: as a bearer token in the header
Authorization. A token is shown once, when it is made.`,
	}
	role := roleChoice(auth.Viewer)
	var life time.Duration
	create := &cobra.Command{
		Use:     "create NAME",
		Short:   "Make a token, and show it once",
		Example: "  heddle token create ci --role operator --expires 24h",
		Args:    words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var made struct {
				auth.TokenInfo
				Token string `json:"token"`
			}
			body := map[string]string{"name": args[0], "role": role.value, "expires": life.String()}
			if err := callPath(cmd.Context(), g, http.MethodPost, "/api/v1/tokens", body, &made); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "token %s with the role %s, until %s; it is not shown again:\n", made.ID, made.Role, made.Expires.Local().Format(time.DateTime))
			fmt.Fprintln(cmd.OutOrStdout(), made.Token)
			return nil
		},
	}
	create.Flags().Var(role, "role", joinOr(role.values))
	create.Flags().DurationVar(&life, "expires", 30*24*time.Hour, "how long it is good")
	list := &cobra.Command{Use: "list", Short: "All tokens", Args: words(0, 0)}
	out := addOutput(list, "table", "json")
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		var tokens []auth.TokenInfo
		if err := callPath(cmd.Context(), g, http.MethodGet, "/api/v1/tokens", nil, &tokens); err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if out.value == "json" {
			return printJSON(w, tokens)
		}
		rows := make([][]string, len(tokens))
		for i, t := range tokens {
			rows[i] = []string{t.ID, t.Name, string(t.Role), t.Owner, shortTime(&t.Expires), shortTime(t.LastUsed)}
		}
		if len(rows) == 0 {
			fmt.Fprintln(w, "there are no tokens")
			return nil
		}
		printTable(w, []string{"id", "name", "role", "owner", "expires", "last used"}, rows)
		return nil
	}
	revoke := &cobra.Command{
		Use: "revoke ID", Short: "Take a token back at once", Args: words(1, 1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if strings.HasPrefix(args[0], auth.TokenPrefix) {
				return errors.New("that is the token itself; name its id, which `heddle token list` shows")
			}
			if err := callPath(cmd.Context(), g, http.MethodDelete, "/api/v1/tokens/"+url.PathEscape(args[0]), nil, nil); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "token %s is revoked\n", plain.Text(args[0]))
			return nil
		},
	}
	cmd.AddCommand(create, list, revoke)
	return cmd
}

func newAudit(g *globals) *cobra.Command {
	var limit int
	var user, action string
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "What was done, by whom, from where, and what came of it",
		Args:  words(0, 0),
	}
	cmd.Flags().IntVar(&limit, "limit", 50, "at most this `number`, the newest first")
	cmd.Flags().StringVar(&user, "user", "", "only what this `user` did")
	cmd.Flags().StringVar(&action, "action", "", "only this `action`, such as session.signIn")
	out := addOutput(cmd, "table", "json")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if limit < 1 || limit > 500 {
			return misused(cmd, "--limit must be from 1 to 500")
		}
		query := url.Values{"limit": {strconv.Itoa(limit)}, "user": {user}, "action": {action}}
		var found struct{ Items []auth.Entry }
		if err := callPath(cmd.Context(), g, http.MethodGet, "/api/v1/audit?"+query.Encode(), nil, &found); err != nil {
			return err
		}
		w := cmd.OutOrStdout()
		if out.value == "json" {
			return printJSON(w, found.Items)
		}
		rows := make([][]string, len(found.Items))
		for i, e := range found.Items {
			from := string(e.Via)
			if e.Address != "" {
				from += " " + e.Address
			}
			rows[i] = []string{e.At.Local().Format(time.DateTime), e.Actor, from, e.Action, e.Target, e.Outcome, e.Detail}
		}
		if len(rows) == 0 {
			fmt.Fprintln(w, "nothing of that kind was done")
			return nil
		}
		printFitted(w, []string{"detail", "from"}, []string{"when", "who", "from", "action", "on", "outcome", "detail"}, rows, nil, nil)
		return nil
	}
	return cmd
}

// callPath calls the control plane of the state folder; path may have a query.
func callPath(ctx context.Context, g *globals, method, path string, body, out any) error {
	c, err := newClient(g)
	if err != nil {
		return err
	}
	path, query, _ := strings.Cut(path, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	return c.call(ctx, method, path, values, body, out)
}

// readPassword asks a person twice for a password, or takes the first line of
// what is no terminal. It never comes as an argument, which all users of the
// machine could read.
func readPassword(in io.Reader, said io.Writer, what string) (string, error) {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		line, err := bufio.NewReader(in).ReadString('\n')
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			return line, nil
		}
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		return "", errors.New("there is no password on standard input")
	}
	var typed [2]string
	for i, prompt := range []string{what + ": ", "once more: "} {
		fmt.Fprint(said, plain.Text(prompt))
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(said)
		if err != nil {
			return "", fmt.Errorf("read the password: %w", err)
		}
		typed[i] = string(text)
	}
	if typed[0] != typed[1] {
		return "", errors.New("the two are not the same; nothing was changed")
	}
	return typed[0], nil
}

// shortTime is a time for a table; "" when there is none.
func shortTime(t *time.Time) string {
	if t == nil || t.IsZero() {
		return ""
	}
	return t.Local().Format(time.DateTime)
}
