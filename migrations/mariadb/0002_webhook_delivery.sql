-- Notifications to receivers: each holds all its body needs. State 0 pending, 1 delivered, 2 dead.
CREATE TABLE IF NOT EXISTS webhook_delivery (
    id             BINARY(16)    NOT NULL PRIMARY KEY,
    intent_id      BINARY(16)    NOT NULL,
    url            VARCHAR(2048) NOT NULL,
    origin         VARCHAR(320)  NOT NULL,
    reservation_id VARCHAR(128)  NOT NULL,
    payment_status SMALLINT      NOT NULL,
    amount         BIGINT        NOT NULL,
    currency       VARCHAR(3)    NOT NULL,
    simulated      SMALLINT      NOT NULL,
    state          SMALLINT      NOT NULL,
    attempts       INT           NOT NULL,
    created_at     BIGINT        NOT NULL,
    due_at         BIGINT        NOT NULL,
    trace_id       VARCHAR(128)  NOT NULL,
    delivered_at   BIGINT,
    http_status    INT,
    duration_ms    BIGINT,
    attempts_before_resend INT   NOT NULL,
    -- One lane a receiver, what is due first in front. MariaDB has no partial indexes: the state leads.
    INDEX webhook_delivery_lane (state, origin, due_at, id),
    INDEX webhook_delivery_state (state, id),
    INDEX webhook_delivery_intent (intent_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- Attempts that failed. The one that succeeded stands in its delivery.
CREATE TABLE IF NOT EXISTS webhook_attempt (
    delivery_id BINARY(16) NOT NULL,
    number      INT        NOT NULL,
    at          BIGINT     NOT NULL,
    duration_ms BIGINT     NOT NULL,
    http_status INT        NOT NULL,
    error       TEXT       NOT NULL,
    PRIMARY KEY (delivery_id, number)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
