-- Payment intents of the gateway simulator. Ids are UUIDv7: time-ordered, so new rows go to the end.
CREATE TABLE gateway_intent (
    id             BLOB    NOT NULL PRIMARY KEY,
    reservation_id TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    currency       TEXT    NOT NULL,
    method         INTEGER NOT NULL,
    scenario       INTEGER NOT NULL,
    planned        INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    processed_at   INTEGER,
    expires_at     INTEGER NOT NULL,
    due_at         INTEGER,
    refunded       INTEGER NOT NULL DEFAULT 0 CHECK (refunded BETWEEN 0 AND amount),
    webhook_url    TEXT    NOT NULL,
    metadata       BLOB    NOT NULL,
    trace_id       TEXT    NOT NULL,
    bucket         INTEGER NOT NULL
) WITHOUT ROWID;

-- What the settlement clock still has to do, earliest first.
CREATE INDEX gateway_intent_due ON gateway_intent (due_at) WHERE due_at IS NOT NULL;
-- Users and reservations are random keys: an index by them alone would touch a page of its own for
-- each new row. Inside the bucket of the moment (some thousand payments) a batch shares its pages.
CREATE INDEX gateway_intent_user ON gateway_intent (bucket, user_id, id);
CREATE INDEX gateway_intent_reservation ON gateway_intent (bucket, reservation_id, id);

CREATE TABLE gateway_refund (
    id         BLOB    NOT NULL PRIMARY KEY,
    intent_id  BLOB    NOT NULL,
    amount     INTEGER NOT NULL CHECK (amount > 0),
    reason     TEXT    NOT NULL,
    created_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX gateway_refund_intent ON gateway_refund (intent_id, id);

-- The answer each idempotency key got, kept with the effect it answers for.
CREATE TABLE gateway_idempotency (
    scope       TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint BLOB    NOT NULL,
    answer      BLOB    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE INDEX gateway_idempotency_age ON gateway_idempotency (created_at);
