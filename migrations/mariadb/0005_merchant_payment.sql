-- Payments of merchants. Ids are UUIDv7. `requested` is the amount of the capture or refund under way, `version` counts
-- the changes, `answer_id` is where the answer to the operation under way will stand, `due_at` is when a worker looks
-- after it.
CREATE TABLE IF NOT EXISTS merchant_payment (
    id                BINARY(16)   NOT NULL PRIMARY KEY,
    merchant_id       VARCHAR(64)  NOT NULL,
    idempotency_key   VARCHAR(128) NOT NULL,
    amount            BIGINT       NOT NULL CHECK (amount > 0),
    currency          VARCHAR(3)   NOT NULL,
    state             SMALLINT     NOT NULL,
    captured          BIGINT       NOT NULL,
    refunded          BIGINT       NOT NULL,
    requested         BIGINT       NOT NULL,
    version           BIGINT       NOT NULL,
    gateway           VARCHAR(64)  NOT NULL,
    gateway_reference VARCHAR(255) NOT NULL,
    approval_number   VARCHAR(255) NOT NULL,
    failure_code      VARCHAR(255) NOT NULL,
    failure_message   TEXT         NOT NULL,
    reason            TEXT         NOT NULL,
    answer_id         BINARY(16)   NOT NULL,
    attempts          INT          NOT NULL,
    due_at            BIGINT,
    requested_at      BIGINT       NOT NULL,
    updated_at        BIGINT       NOT NULL,
    trace_id          VARCHAR(128) NOT NULL,
    bucket            BIGINT       NOT NULL,
    CONSTRAINT merchant_payment_captured CHECK (captured BETWEEN 0 AND amount),
    CONSTRAINT merchant_payment_refunded CHECK (refunded BETWEEN 0 AND captured),
    INDEX merchant_payment_due (due_at),
    -- Cut into buckets, as the gateway's indexes are: a batch of new payments shares its index pages.
    INDEX merchant_payment_merchant (bucket, merchant_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- What happened after the authorization. The authorization itself stands in the payment.
CREATE TABLE IF NOT EXISTS merchant_payment_step (
    payment_id BINARY(16) NOT NULL,
    version    BIGINT     NOT NULL,
    state      SMALLINT   NOT NULL,
    amount     BIGINT     NOT NULL,
    at         BIGINT     NOT NULL,
    detail     TEXT       NOT NULL,
    PRIMARY KEY (payment_id, version)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- Idempotency keys, kept for ever: a digest of merchant, operation and key, and what it was used for. The digest is
-- unique for all processes that share this database, which an index that one of them keeps could not be.
CREATE TABLE IF NOT EXISTS merchant_idempotency_key (
    digest      BINARY(16) NOT NULL PRIMARY KEY,
    fingerprint BINARY(16) NOT NULL,
    answer_id   BINARY(16) NOT NULL,
    payment_id  BINARY(16) NOT NULL,
    INDEX merchant_idempotency_key_payment (payment_id, answer_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- The answers they got, by time-ordered id, kept for their time to live.
CREATE TABLE IF NOT EXISTS merchant_idempotency_answer (
    id     BINARY(16) NOT NULL PRIMARY KEY,
    status SMALLINT   NOT NULL,
    body   MEDIUMTEXT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
