-- What seats are sold for. An event that is open (kind 2) has every seat that somebody names.
CREATE TABLE IF NOT EXISTS seated_event (
    id          VARCHAR(64)   NOT NULL PRIMARY KEY,
    kind        SMALLINT      NOT NULL,
    seats_print VARBINARY(16) NOT NULL,
    created_at  BIGINT        NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- One row a seat, with at most one reservation: that is why none is ever sold twice.
CREATE TABLE IF NOT EXISTS seat (
    event_id       VARCHAR(64) NOT NULL,
    seat_id        VARCHAR(32) NOT NULL,
    place          BIGINT      NOT NULL,
    state          SMALLINT    NOT NULL,
    reservation_id BINARY(16),
    PRIMARY KEY (event_id, seat_id),
    CONSTRAINT seat_taken CHECK ((state = 1) = (reservation_id IS NULL)),
    -- Counts, and the next free ones.
    INDEX seat_state (event_id, state, place, seat_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE TABLE IF NOT EXISTS seat_reservation (
    id                BINARY(16)    NOT NULL PRIMARY KEY,
    event_id          VARCHAR(64)   NOT NULL,
    user_id           VARCHAR(128)  NOT NULL,
    seat_ids          TEXT          NOT NULL, -- one a line
    total_price       BIGINT        NOT NULL CHECK (total_price >= 0),
    currency          VARCHAR(3)    NOT NULL,
    state             SMALLINT      NOT NULL,
    payment_intent_id VARCHAR(128)  NOT NULL,
    created_at        BIGINT        NOT NULL,
    updated_at        BIGINT        NOT NULL,
    expires_at        BIGINT        NOT NULL,
    due_at            BIGINT,
    released_at       BIGINT,
    key_digest        VARBINARY(16),
    request_print     VARBINARY(16),
    CONSTRAINT seat_reservation_due_at CHECK ((state = 1) = (due_at IS NOT NULL)),
    CONSTRAINT seat_reservation_released_at CHECK ((state IN (3, 4)) = (released_at IS NOT NULL)),
    UNIQUE INDEX seat_reservation_key (key_digest),
    -- What the expiry clock still has to do, earliest first; and what may be forgotten.
    INDEX seat_reservation_due (due_at),
    INDEX seat_reservation_released (released_at),
    INDEX seat_reservation_user (user_id, id),
    INDEX seat_reservation_event (event_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
