-- Notifications to receivers: each holds all its body needs. State 0 pending, 1 delivered, 2 dead.
CREATE TABLE webhook_delivery (
    id             BLOB    NOT NULL PRIMARY KEY,
    intent_id      BLOB    NOT NULL,
    url            TEXT    NOT NULL,
    origin         TEXT    NOT NULL,
    reservation_id TEXT    NOT NULL,
    payment_status INTEGER NOT NULL,
    amount         INTEGER NOT NULL,
    currency       TEXT    NOT NULL,
    simulated      INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    attempts       INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    due_at         INTEGER NOT NULL,
    trace_id       TEXT    NOT NULL,
    delivered_at   INTEGER,
    http_status    INTEGER,
    duration_ms    INTEGER,
    attempts_before_resend INTEGER NOT NULL
) WITHOUT ROWID;

-- One lane a receiver, what is due first in front.
CREATE INDEX webhook_delivery_lane ON webhook_delivery (origin, due_at, id) WHERE state = 0;
CREATE INDEX webhook_delivery_dead ON webhook_delivery (id) WHERE state = 2;
CREATE INDEX webhook_delivery_intent ON webhook_delivery (intent_id, id);

-- Attempts that failed; the one that succeeded stands in its delivery.
CREATE TABLE webhook_attempt (
    delivery_id BLOB    NOT NULL,
    number      INTEGER NOT NULL,
    at          INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    http_status INTEGER NOT NULL,
    error       TEXT    NOT NULL,
    PRIMARY KEY (delivery_id, number)
) WITHOUT ROWID;
