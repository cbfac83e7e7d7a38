-- Events leave the system only from here, in the order of `seq`.
CREATE TABLE outbox_event (
    seq            INTEGER PRIMARY KEY AUTOINCREMENT,
    event_id       BLOB    NOT NULL,
    aggregate_type TEXT    NOT NULL,
    aggregate_id   TEXT    NOT NULL,
    event_type     TEXT    NOT NULL,
    payload        TEXT    NOT NULL,
    created_at     INTEGER NOT NULL
);
