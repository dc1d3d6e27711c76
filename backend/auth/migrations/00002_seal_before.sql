-- seal_before names the cookie that the last one was signed in place of, while
-- that has not come back: its answer may be lost, and the browser has this one.

-- +goose Up
ALTER TABLE sessions ADD COLUMN seal_before TEXT NOT NULL DEFAULT '';
