-- What seats are sold for. An event that is open (kind 2) has every seat that somebody names.
CREATE TABLE seated_event (
    id          TEXT    NOT NULL PRIMARY KEY,
    kind        INTEGER NOT NULL,
    seats_print BLOB    NOT NULL,
    created_at  INTEGER NOT NULL
) WITHOUT ROWID;

-- One row a seat, with at most one reservation: that is why none is ever sold twice.
CREATE TABLE seat (
    event_id       TEXT    NOT NULL,
    seat_id        TEXT    NOT NULL,
    place          INTEGER NOT NULL,
    state          INTEGER NOT NULL,
    reservation_id BLOB,
    PRIMARY KEY (event_id, seat_id),
    CHECK ((state = 1) = (reservation_id IS NULL))
) WITHOUT ROWID;
-- Counts, and the next free ones.
CREATE INDEX seat_state ON seat (event_id, state, place, seat_id);

CREATE TABLE seat_reservation (
    id                BLOB    NOT NULL PRIMARY KEY,
    event_id          TEXT    NOT NULL,
    user_id           TEXT    NOT NULL,
    seat_ids          TEXT    NOT NULL, -- one a line
    total_price       INTEGER NOT NULL CHECK (total_price >= 0),
    currency          TEXT    NOT NULL,
    state             INTEGER NOT NULL,
    payment_intent_id TEXT    NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    expires_at        INTEGER NOT NULL,
    due_at            INTEGER,
    released_at       INTEGER,
    key_digest        BLOB,
    request_print     BLOB,
    CHECK ((state = 1) = (due_at IS NOT NULL)),
    CHECK ((state IN (3, 4)) = (released_at IS NOT NULL))
) WITHOUT ROWID;
CREATE UNIQUE INDEX seat_reservation_key ON seat_reservation (key_digest);
-- What the expiry clock still has to do, earliest first; and what may be forgotten.
CREATE INDEX seat_reservation_due ON seat_reservation (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX seat_reservation_released ON seat_reservation (released_at) WHERE released_at IS NOT NULL;
CREATE INDEX seat_reservation_user ON seat_reservation (user_id, id);
CREATE INDEX seat_reservation_event ON seat_reservation (event_id, id);
