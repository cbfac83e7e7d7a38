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

-- Payments in people's types.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW payment AS
SELECT LOWER(CONCAT_WS('-', HEX(SUBSTR(id, 1, 4)), HEX(SUBSTR(id, 5, 2)), HEX(SUBSTR(id, 7, 2)),
                       HEX(SUBSTR(id, 9, 2)), HEX(SUBSTR(id, 11)))) AS payment_id,
       merchant_id, amount, currency,
       ELT(state, 'READY', 'AUTHORIZED', 'AUTH_FAILED', 'CAPTURE_REQUESTED', 'CAPTURED', 'CAPTURE_FAILED',
           'REFUND_REQUESTED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'REFUND_FAILED', 'VOID_REQUESTED', 'VOIDED') AS status,
       captured AS captured_amount, refunded AS refunded_amount, idempotency_key, gateway, gateway_reference,
       approval_number, failure_code, failure_message,
       TIMESTAMPADD(MICROSECOND, requested_at, TIMESTAMP'1970-01-01 00:00:00') AS requested_at,
       TIMESTAMPADD(MICROSECOND, updated_at, TIMESTAMP'1970-01-01 00:00:00') AS updated_at
FROM merchant_payment;

-- What authorizations were answered, while the answers are kept. Of a payment's keys the first was its authorization's.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW idem_response_cache AS
SELECT p.merchant_id, p.idempotency_key, a.status AS http_status, a.body AS response_body,
       TIMESTAMPADD(MICROSECOND, p.requested_at, TIMESTAMP'1970-01-01 00:00:00') AS created_at
FROM merchant_payment p
JOIN merchant_idempotency_answer a
  ON a.id = (SELECT MIN(k.answer_id) FROM merchant_idempotency_key k WHERE k.payment_id = p.id)
WHERE p.idempotency_key <> '';
