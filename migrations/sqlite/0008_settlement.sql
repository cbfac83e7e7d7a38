-- Business days, by number since 1970-01-01. A day holds the ledger's postings in (after_place, through_place]; the next
-- one goes on behind it. `books_after` is how far its statements have come, `closed_at` is when they were all made.
CREATE TABLE settlement_day (
    day           INTEGER NOT NULL PRIMARY KEY,
    after_place   INTEGER NOT NULL,
    through_place INTEGER NOT NULL CHECK (through_place >= after_place),
    books_after   INTEGER NOT NULL,
    statements    INTEGER NOT NULL,
    closed_at     INTEGER
);

-- What a book's postings of a day come to, in (after_number, through_number] of its chain, and what was paid out: posted in
-- the commit of the row, under `ledger_number`.
CREATE TABLE settlement_statement (
    id                   BLOB    NOT NULL PRIMARY KEY,
    book_id              INTEGER NOT NULL,
    merchant_id          TEXT    NOT NULL,
    currency             TEXT    NOT NULL,
    day                  INTEGER NOT NULL,
    after_number         INTEGER NOT NULL,
    through_number       INTEGER NOT NULL CHECK (through_number > after_number),
    carried_over         INTEGER NOT NULL CHECK (carried_over <= 0),
    gateway_carried_over INTEGER NOT NULL,
    captures             INTEGER NOT NULL,
    captured             INTEGER NOT NULL,
    refunds              INTEGER NOT NULL,
    refunded             INTEGER NOT NULL,
    fees                 INTEGER NOT NULL,
    net                  INTEGER NOT NULL,
    received             INTEGER NOT NULL,
    paid                 INTEGER NOT NULL CHECK (paid = max(net, 0)),
    ledger_number        INTEGER CHECK ((ledger_number IS NULL) = (paid = 0)),
    made_at              INTEGER NOT NULL,
    UNIQUE (book_id, day)
) WITHOUT ROWID;
CREATE INDEX settlement_statement_merchant ON settlement_statement (merchant_id, id);

CREATE TRIGGER settlement_statement_fixed BEFORE UPDATE ON settlement_statement
BEGIN SELECT RAISE(ABORT, 'settlement statements never change'); END;
CREATE TRIGGER settlement_statement_kept BEFORE DELETE ON settlement_statement
BEGIN SELECT RAISE(ABORT, 'settlement statements are never deleted'); END;

-- Books whose statement ended before its day did: the next one goes on behind `place`.
CREATE TABLE settlement_behind (
    book_id INTEGER NOT NULL PRIMARY KEY,
    place   INTEGER NOT NULL
);
