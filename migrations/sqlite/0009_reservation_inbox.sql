-- Events the reservation worker has dealt with: a repeated message changes nothing.
CREATE TABLE reservation_inbox (
    event_key TEXT    NOT NULL PRIMARY KEY,
    done_at   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX reservation_inbox_age ON reservation_inbox (done_at);
