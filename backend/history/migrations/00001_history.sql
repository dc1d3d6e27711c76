-- +goose Up

-- A change set: what was written, deleted or found changed together.
CREATE TABLE change (
	id             INTEGER PRIMARY KEY AUTOINCREMENT,
	at             INTEGER NOT NULL, -- nanoseconds since 1970
	actor          TEXT NOT NULL,
	via            TEXT NOT NULL,
	note           TEXT NOT NULL,
	summary        TEXT NOT NULL,    -- as JSON
	undoes         INTEGER,
	undone_by      INTEGER,
	complete       INTEGER NOT NULL, -- 1 when all its texts are kept
	planned        INTEGER NOT NULL  -- 1 while it is being written
);
CREATE INDEX change_planned ON change (id) WHERE planned = 1;

-- What it did to one object. No version: the object was not there.
CREATE TABLE change_entry (
	change_id      INTEGER NOT NULL REFERENCES change (id) ON DELETE CASCADE,
	position       INTEGER NOT NULL,
	ref            TEXT NOT NULL,
	before_version TEXT,
	after_version  TEXT,
	PRIMARY KEY (change_id, position)
) WITHOUT ROWID;
CREATE INDEX change_entry_ref ON change_entry (ref, change_id);
CREATE INDEX change_entry_before ON change_entry (before_version);
CREATE INDEX change_entry_after ON change_entry (after_version);

-- The services that it acted on, "namespace/name".
CREATE TABLE change_service (
	service        TEXT NOT NULL,
	change_id      INTEGER NOT NULL REFERENCES change (id) ON DELETE CASCADE,
	PRIMARY KEY (service, change_id)
) WITHOUT ROWID;
CREATE INDEX change_service_change ON change_service (change_id);

-- The bytes of documents, by version.
CREATE TABLE revision (
	version        TEXT PRIMARY KEY,
	text           BLOB NOT NULL
);

-- What is recorded last of every object that is there.
CREATE TABLE object (
	ref            TEXT PRIMARY KEY,
	version        TEXT NOT NULL,
	applied        TEXT NOT NULL -- what was last brought from its manifest
);
CREATE INDEX object_version ON object (version);
