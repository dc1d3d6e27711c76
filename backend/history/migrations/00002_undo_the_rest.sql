-- +goose Up

-- What of a change can be taken back follows from its objects.
ALTER TABLE change DROP COLUMN complete;
