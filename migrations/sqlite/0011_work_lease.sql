-- Processes that share this database. `beat` grows for as long as the process lives.
CREATE TABLE instance (
    id         BLOB    NOT NULL PRIMARY KEY,
    beat       INTEGER NOT NULL,
    name       TEXT    NOT NULL,
    started_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Work that one process does at a time, and which one does.
CREATE TABLE work_lease (
    name   TEXT NOT NULL PRIMARY KEY,
    holder BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX work_lease_holder ON work_lease (holder);
