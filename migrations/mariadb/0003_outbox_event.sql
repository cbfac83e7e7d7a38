-- Events leave the system only from here, in the order of `seq`.
CREATE TABLE IF NOT EXISTS outbox (
    seq            BIGINT       NOT NULL PRIMARY KEY AUTO_INCREMENT,
    event_id       BINARY(16)   NOT NULL,
    aggregate_type VARCHAR(64)  NOT NULL,
    aggregate_id   VARCHAR(255) NOT NULL,
    event_type     VARCHAR(128) NOT NULL,
    payload        MEDIUMTEXT   NOT NULL,
    created_at     BIGINT       NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- The same events in the layout of Debezium's outbox router, which takes them from the binary log. Filled in the
-- order of `outbox`, and only where Debezium carries them. `id` is not unique: an operator may send events again.
CREATE TABLE IF NOT EXISTS payment_outbox (
    seq            BIGINT       NOT NULL PRIMARY KEY AUTO_INCREMENT,
    id             VARCHAR(36)  NOT NULL,
    aggregate_id   VARCHAR(255) NOT NULL,
    aggregate_type VARCHAR(64)  NOT NULL,
    event_type     VARCHAR(128) NOT NULL,
    payload        MEDIUMTEXT   NOT NULL,
    created_at     DATETIME(6)  NOT NULL,
    topic          VARCHAR(255) NOT NULL,
    partition_key  VARCHAR(255) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
