-- Outcomes of payments that the reservation worker has taken from the log and has yet to deal with. Of one
-- reservation the earliest comes first; the others wait for it.
CREATE TABLE reservation_task (
    event_id       BLOB    NOT NULL PRIMARY KEY,
    reservation_id TEXT    NOT NULL,
    position       INTEGER NOT NULL,
    topic          TEXT    NOT NULL,
    message_key    TEXT    NOT NULL,
    payload        TEXT    NOT NULL,
    event_at       INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    due_at         INTEGER NOT NULL
);
CREATE INDEX reservation_task_order ON reservation_task (reservation_id, position);
CREATE INDEX reservation_task_due ON reservation_task (due_at);
