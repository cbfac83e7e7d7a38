-- The same schema as migrations/sqlite, file by file, in MariaDB's words. MariaDB commits each statement of a schema by
-- itself, so every one can be repeated: a migration that was cut off begins again. Texts compare byte by byte.

-- Payment intents of the gateway simulator. Ids are UUIDv7: time-ordered, so new rows go to the end.
CREATE TABLE IF NOT EXISTS gateway_intent (
    id             BINARY(16)    NOT NULL PRIMARY KEY,
    reservation_id VARCHAR(128)  NOT NULL,
    user_id        VARCHAR(128)  NOT NULL,
    amount         BIGINT        NOT NULL CHECK (amount > 0),
    currency       VARCHAR(3)    NOT NULL,
    method         SMALLINT      NOT NULL,
    scenario       SMALLINT      NOT NULL,
    planned        SMALLINT      NOT NULL,
    state          SMALLINT      NOT NULL,
    created_at     BIGINT        NOT NULL,
    updated_at     BIGINT        NOT NULL,
    processed_at   BIGINT,
    expires_at     BIGINT        NOT NULL,
    due_at         BIGINT,
    refunded       BIGINT        NOT NULL DEFAULT 0,
    webhook_url    VARCHAR(2048) NOT NULL,
    metadata       MEDIUMBLOB    NOT NULL,
    trace_id       VARCHAR(128)  NOT NULL,
    bucket         BIGINT        NOT NULL,
    CONSTRAINT gateway_intent_refunded CHECK (refunded BETWEEN 0 AND amount),
    -- What the settlement clock still has to do, earliest first.
    INDEX gateway_intent_due (due_at),
    -- Users and reservations are random keys: an index by them alone would touch a page of its own for
    -- each new row. Inside the bucket of the moment a batch shares its pages.
    INDEX gateway_intent_user (bucket, user_id, id),
    INDEX gateway_intent_reservation (bucket, reservation_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS gateway_refund (
    id         BINARY(16) NOT NULL PRIMARY KEY,
    intent_id  BINARY(16) NOT NULL,
    amount     BIGINT     NOT NULL CHECK (amount > 0),
    reason     TEXT       NOT NULL,
    created_at BIGINT     NOT NULL,
    INDEX gateway_refund_intent (intent_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- The answer each idempotency key got, kept with the effect it answers for.
CREATE TABLE IF NOT EXISTS gateway_idempotency (
    scope       VARCHAR(255) NOT NULL,
    "key"       VARCHAR(128) NOT NULL,
    fingerprint VARBINARY(32) NOT NULL,
    answer      MEDIUMBLOB   NOT NULL,
    created_at  BIGINT       NOT NULL,
    PRIMARY KEY (scope, "key"),
    INDEX gateway_idempotency_age (created_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
