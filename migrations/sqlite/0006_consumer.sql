-- How far each consumer group has come in the outbox; it moves in the transaction of the group's effect.
CREATE TABLE consumer_offset (
    consumer_group TEXT    NOT NULL PRIMARY KEY,
    position       INTEGER NOT NULL
) WITHOUT ROWID;

-- Messages a group could not handle. State 0 waiting, 1 handled by a re-drive, 2 discarded.
CREATE TABLE dead_letter (
    id             BLOB    NOT NULL PRIMARY KEY,
    consumer_group TEXT    NOT NULL,
    topic          TEXT    NOT NULL,
    position       INTEGER NOT NULL,
    event_id       BLOB    NOT NULL,
    message_key    TEXT    NOT NULL,
    payload        TEXT    NOT NULL,
    event_at       INTEGER NOT NULL,
    error_type     TEXT    NOT NULL,
    error_message  TEXT    NOT NULL,
    attempts       INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX dead_letter_waiting ON dead_letter (id) WHERE state = 0;
