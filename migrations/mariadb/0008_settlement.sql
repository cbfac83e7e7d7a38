-- Business days, by number since 1970-01-01. A day holds the ledger's postings in (after_place, through_place]. The next
-- one goes on behind it. `books_after` is how far its statements have come, `closed_at` is when they were all made.
CREATE TABLE IF NOT EXISTS settlement_day (
    day           INT    NOT NULL PRIMARY KEY,
    after_place   BIGINT NOT NULL,
    through_place BIGINT NOT NULL,
    books_after   BIGINT NOT NULL,
    statements    BIGINT NOT NULL,
    closed_at     BIGINT,
    CONSTRAINT settlement_day_places CHECK (through_place >= after_place)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- What a book's postings of a day come to, in (after_number, through_number] of its chain, and what was paid out: posted in
-- the commit of the row, under `ledger_number`.
CREATE TABLE IF NOT EXISTS settlement_statement (
    id                   BINARY(16)  NOT NULL PRIMARY KEY,
    book_id              BIGINT      NOT NULL,
    merchant_id          VARCHAR(64) NOT NULL,
    currency             VARCHAR(3)  NOT NULL,
    day                  INT         NOT NULL,
    after_number         BIGINT      NOT NULL,
    through_number       BIGINT      NOT NULL,
    carried_over         BIGINT      NOT NULL CHECK (carried_over <= 0),
    gateway_carried_over BIGINT      NOT NULL,
    captures             BIGINT      NOT NULL,
    captured             BIGINT      NOT NULL,
    refunds              BIGINT      NOT NULL,
    refunded             BIGINT      NOT NULL,
    fees                 BIGINT      NOT NULL,
    net                  BIGINT      NOT NULL,
    received             BIGINT      NOT NULL,
    paid                 BIGINT      NOT NULL,
    ledger_number        BIGINT,
    made_at              BIGINT      NOT NULL,
    CONSTRAINT settlement_statement_numbers CHECK (through_number > after_number),
    CONSTRAINT settlement_statement_paid CHECK (paid = GREATEST(net, 0)),
    CONSTRAINT settlement_statement_booked CHECK ((ledger_number IS NULL) = (paid = 0)),
    UNIQUE INDEX settlement_statement_day (book_id, day),
    INDEX settlement_statement_merchant (merchant_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

CREATE OR REPLACE TRIGGER settlement_statement_fixed BEFORE UPDATE ON settlement_statement FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'settlement statements never change';
CREATE OR REPLACE TRIGGER settlement_statement_kept BEFORE DELETE ON settlement_statement FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'settlement statements are never deleted';

-- Books whose statement ended before its day did: the next one goes on behind `place`.
CREATE TABLE IF NOT EXISTS settlement_behind (
    book_id BIGINT NOT NULL PRIMARY KEY,
    place   BIGINT NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
