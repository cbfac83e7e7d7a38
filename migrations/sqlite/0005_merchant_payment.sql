-- Payments of merchants. Ids are UUIDv7. `requested` is the amount of the capture or refund under way, `version` counts
-- the changes, `answer_id` is where the answer to the operation under way will stand, `due_at` is when a worker looks
-- after it.
CREATE TABLE merchant_payment (
    id                BLOB    NOT NULL PRIMARY KEY,
    merchant_id       TEXT    NOT NULL,
    idempotency_key   TEXT    NOT NULL,
    amount            INTEGER NOT NULL CHECK (amount > 0),
    currency          TEXT    NOT NULL,
    state             INTEGER NOT NULL,
    captured          INTEGER NOT NULL CHECK (captured BETWEEN 0 AND amount),
    refunded          INTEGER NOT NULL CHECK (refunded BETWEEN 0 AND captured),
    requested         INTEGER NOT NULL,
    version           INTEGER NOT NULL,
    gateway           TEXT    NOT NULL,
    gateway_reference TEXT    NOT NULL,
    approval_number   TEXT    NOT NULL,
    failure_code      TEXT    NOT NULL,
    failure_message   TEXT    NOT NULL,
    reason            TEXT    NOT NULL,
    answer_id         BLOB    NOT NULL,
    attempts          INTEGER NOT NULL,
    due_at            INTEGER,
    requested_at      INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    trace_id          TEXT    NOT NULL,
    bucket            INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX merchant_payment_due ON merchant_payment (due_at) WHERE due_at IS NOT NULL;
-- Cut into buckets, as the gateway's indexes are: a batch of new payments shares its index pages.
CREATE INDEX merchant_payment_merchant ON merchant_payment (bucket, merchant_id, id);

-- What happened after the authorization; the authorization itself stands in the payment.
CREATE TABLE merchant_payment_step (
    payment_id BLOB    NOT NULL,
    version    INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    amount     INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    detail     TEXT    NOT NULL,
    PRIMARY KEY (payment_id, version)
) WITHOUT ROWID;

-- Idempotency keys, kept for ever: a digest of merchant, operation and key, and what it was used for. In the order of
-- arrival: an index by digest would change another page for every key.
CREATE TABLE merchant_idempotency_key (
    number      INTEGER NOT NULL PRIMARY KEY,
    digest      BLOB    NOT NULL,
    fingerprint BLOB    NOT NULL,
    answer_id   BLOB    NOT NULL,
    payment_id  BLOB    NOT NULL
);
-- The index by digest, in runs of consecutive numbers, each written once and sorted. A run counts when it is sealed.
CREATE TABLE merchant_idempotency_run (
    run    INTEGER NOT NULL,
    digest BLOB    NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (run, digest)
) WITHOUT ROWID;
-- Which digests a run does not have, kept in memory: a Bloom filter, in parts.
CREATE TABLE merchant_idempotency_filter (
    run  INTEGER NOT NULL,
    part INTEGER NOT NULL,
    bits BLOB    NOT NULL,
    PRIMARY KEY (run, part)
);
CREATE TABLE merchant_idempotency_sealed (
    run INTEGER NOT NULL PRIMARY KEY
);
-- The answers they got, by time-ordered id, kept for their time to live.
CREATE TABLE merchant_idempotency_answer (
    id     BLOB    NOT NULL PRIMARY KEY,
    status INTEGER NOT NULL,
    body   TEXT    NOT NULL
) WITHOUT ROWID;
