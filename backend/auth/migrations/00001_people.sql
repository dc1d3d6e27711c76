-- Times are milliseconds since 1970.

-- +goose Up
CREATE TABLE users (
  name TEXT PRIMARY KEY, role TEXT NOT NULL, password TEXT NOT NULL, disabled INTEGER NOT NULL,
  created INTEGER NOT NULL, last_sign_in INTEGER) WITHOUT ROWID;

-- seal names the last signed cookie of a session: an older one is good for ten
-- minutes only.
CREATE TABLE sessions (
  id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE,
  started INTEGER NOT NULL, seen INTEGER NOT NULL, seal TEXT NOT NULL, address TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE session_keys (
  kid TEXT PRIMARY KEY, seed BLOB NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;

-- owner is a user, or "owner" for who has the owner's socket.
CREATE TABLE tokens (
  id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL, owner TEXT NOT NULL,
  created INTEGER NOT NULL, expires INTEGER NOT NULL, last_used INTEGER) WITHOUT ROWID;
CREATE INDEX tokens_owner ON tokens (owner);

CREATE TABLE audit (
  id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, actor TEXT NOT NULL, via TEXT NOT NULL, address TEXT NOT NULL,
  action TEXT NOT NULL, target TEXT NOT NULL, outcome TEXT NOT NULL, detail TEXT NOT NULL);
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_action ON audit (action, outcome, id);
