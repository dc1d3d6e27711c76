package auth

import (
	"cmp"
	"database/sql"
	"strings"
	"testing"
	"time"
)

func TestAuditSaysWhoDidWhat(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-admin")
	s.Address = "192.0.2.7"
	b.audit.Record(With(t.Context(), s), Entry{Action: "change.apply", Target: "VirtualService a/b", Outcome: Done, Detail: "1 object"})
	got, next, err := b.audit.List(t.Context(), AuditQuery{Limit: 1})
	if err != nil || next == 0 || len(got) != 1 {
		t.Fatalf("%+v, %d, %v", got, next, err)
	}
	e := got[0]
	if e.Actor != "the-admin" || e.Via != Console || e.Address != "192.0.2.7" || e.Action != "change.apply" || e.Outcome != Done || !e.At.Equal(b.now) {
		t.Errorf("%+v", e)
	}
}

func TestSignInsAreAudited(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-admin")
	b.SignOut(With(t.Context(), s))
	if _, _, err := b.SignIn(t.Context(), remote, "the-admin", "wrong"); err == nil {
		t.Fatal("let in")
	}
	if _, _, err := b.SignIn(t.Context(), Client{Address: "192.0.2.8"}, "my-password-by-mistake", "x"); err == nil {
		t.Fatal("let in")
	}
	entries, _, err := b.audit.List(t.Context(), AuditQuery{Limit: 4})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, strings.Join([]string{e.Actor, string(e.Via), e.Address, e.Action, e.Outcome, e.Detail}, "|"))
	}
	want := []string{
		"|console|192.0.2.8|session.signIn|refused|unknown name",
		"the-admin|console|192.0.2.7|session.signIn|refused|wrong password",
		"the-admin|console|127.0.0.1|session.signOut|ok|",
		"the-admin|console|127.0.0.1|session.signIn|ok|",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// Attempts that are turned away leave a line for the name and one for the address,
// until one is looked at again, however many they are.
func TestTurnedAwayAttemptsAreAudited(t *testing.T) {
	b := newBench(t)
	s, _ := b.in("the-viewer")
	flood := func(name string) {
		for range 50 {
			for i := range 3 {
				from := Client{Address: "192.0.2." + string(rune('1'+i))}
				if _, _, err := b.SignIn(t.Context(), from, name, "wrong"); err == nil {
					t.Fatal("let in")
				}
			}
		}
	}
	flood("the-admin")
	b.wait(time.Hour)
	flood("my-password-by-mistake")
	b.wait(time.Hour)
	for range 50 {
		if _, _, err := b.ChangePassword(With(t.Context(), s), remote, "wrong", "another secret"); err == nil {
			t.Fatal("changed")
		}
	}
	entries, _, err := b.audit.List(t.Context(), AuditQuery{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		if e.Outcome == Refused {
			got = append(got, strings.Join([]string{e.Actor, e.Address, e.Action, e.Target, e.Detail}, "|"))
		}
	}
	const slower = "too many attempts: turned away until they come slower"
	want := []string{
		"the-viewer|127.0.0.1|user.change|the-viewer|password: " + slower,
		"the-viewer|127.0.0.1|user.change|the-viewer|password: the old one is wrong",
		"|192.0.2.1|session.signIn||" + slower, // because of the address
		"|192.0.2.2|session.signIn||" + slower, // because of the name
		"|192.0.2.1|session.signIn||unknown name",
		"the-admin|192.0.2.1|session.signIn||" + slower,
		"the-admin|192.0.2.2|session.signIn||" + slower,
		"the-admin|192.0.2.1|session.signIn||wrong password",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// The owner has the same name in the audit log as in the history.
func TestTheOwnerIsAuditedByName(t *testing.T) {
	b := newBench(t)
	owner := With(t.Context(), Session{User: OwnerName, Role: OwnerRole, Via: CLI})
	for _, name := range []string{"anna", ""} {
		b.audit.owner = name
		b.audit.Record(owner, Entry{Action: ActionChange, Outcome: Done})
		got, _, err := b.audit.List(t.Context(), AuditQuery{Limit: 1})
		if err != nil || got[0].Actor != cmp.Or(name, "owner") || got[0].Via != CLI {
			t.Errorf("%+v, %v", got, err)
		}
	}
}

// What others name does not make lines of its own, and does not reach a terminal.
func TestAuditFieldsAreOneLine(t *testing.T) {
	b := newBench(t)
	b.audit.Record(t.Context(), Entry{
		Actor: "a\nroot ok", Action: "x\x1b[31m", Target: "t\u202eevil", Outcome: Done, Address: "1\r\n2", Detail: strings.Repeat("é", 5000),
	})
	got, _, err := b.audit.List(t.Context(), AuditQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	e := got[0]
	if e.Actor != `a\nroot ok` || e.Action != `x\x1b[31m` || e.Target != `t\u{202e}evil` || e.Address != `1\r\n2` || len([]rune(e.Detail)) != maxDetail {
		t.Errorf("%+v", e)
	}
}

func TestAuditPages(t *testing.T) {
	b := newBench(t)
	for _, user := range []string{"a", "b", "a", "a"} {
		b.audit.Record(t.Context(), Entry{Actor: user, Action: "x", Outcome: Done})
	}
	var ids []int64
	for q := (AuditQuery{Actor: "a", Limit: 2}); ; {
		page, next, err := b.audit.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page {
			ids = append(ids, e.ID)
		}
		if q.Before = next; next == 0 {
			break
		}
	}
	if len(ids) != 3 || ids[0] < ids[1] || ids[1] < ids[2] {
		t.Errorf("entries %v", ids)
	}
	if page, _, err := b.audit.List(t.Context(), AuditQuery{Action: "user.add", Limit: 10}); err != nil || len(page) != 3 {
		t.Errorf("%+v, %v", page, err)
	}
}

// Guesses do not drive out what people did.
func TestAuditIsBounded(t *testing.T) {
	b := newBench(t)
	err := b.db.Write(t.Context(), func(tx *sql.Tx) error {
		for i := range 300 {
			outcome, action := Refused, actionSignIn
			if i%30 == 0 {
				outcome, action = Done, "change.apply"
			}
			if _, err := tx.Exec("INSERT INTO audit (at, actor, via, address, action, target, outcome, detail) VALUES (?, '', '', '', ?, '', ?, '')", i, action, outcome); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.audit.pruneTo(t.Context(), 1000, 20); err != nil {
		t.Fatal(err)
	}
	of := func(action string) int {
		page, _, err := b.audit.List(t.Context(), AuditQuery{Action: action, Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		return len(page)
	}
	if guesses, changes := of(actionSignIn), of("change.apply"); guesses != 20 || changes != 10 {
		t.Errorf("%d guesses, %d changes", guesses, changes)
	}
	if err := b.audit.pruneTo(t.Context(), 5, 20); err != nil {
		t.Fatal(err)
	}
	if all := of(""); all != 5 {
		t.Errorf("%d entries", all)
	}
}
