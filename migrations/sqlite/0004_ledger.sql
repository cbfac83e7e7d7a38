-- A book per merchant and currency: balances (debits minus credits) and a hash chain of its own, so that books never wait
-- for each other. One row, for one update a posting.
CREATE TABLE ledger_book (
    id           INTEGER NOT NULL PRIMARY KEY,
    merchant_id  TEXT    NOT NULL,
    currency     TEXT    NOT NULL,
    transactions INTEGER NOT NULL,
    head         BLOB    NOT NULL,
    authorized_receivable INTEGER NOT NULL,
    authorized_obligation INTEGER NOT NULL,
    gateway_receivable    INTEGER NOT NULL,
    merchant_payable      INTEGER NOT NULL,
    fee_revenue           INTEGER NOT NULL,
    cash                  INTEGER NOT NULL,
    UNIQUE (merchant_id, currency)
);

-- What a posting is about (a payment, a settlement statement) and which of its steps it books: the pair is unique,
-- so that an effect is booked once whatever is repeated.
CREATE TABLE ledger_transaction (
    seq        INTEGER NOT NULL PRIMARY KEY,
    book_id    INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    subject_id BLOB    NOT NULL,
    step       INTEGER NOT NULL,
    movement   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    hash       BLOB    NOT NULL
);
CREATE UNIQUE INDEX ledger_transaction_subject ON ledger_transaction (subject_id, step);

-- One row carries both sides: an entry cannot be out of balance.
CREATE TABLE ledger_entry (
    subject_id BLOB    NOT NULL,
    step       INTEGER NOT NULL,
    line       INTEGER NOT NULL,
    debit      INTEGER NOT NULL,
    credit     INTEGER NOT NULL CHECK (credit <> debit),
    amount     INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (subject_id, step, line)
) WITHOUT ROWID;

-- What is booked stays as it is; a mistake is corrected by another posting.
CREATE TRIGGER ledger_transaction_fixed BEFORE UPDATE ON ledger_transaction
BEGIN SELECT RAISE(ABORT, 'ledger transactions never change'); END;
CREATE TRIGGER ledger_transaction_kept BEFORE DELETE ON ledger_transaction
BEGIN SELECT RAISE(ABORT, 'ledger transactions are never deleted'); END;
CREATE TRIGGER ledger_entry_fixed BEFORE UPDATE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'ledger entries never change'); END;
CREATE TRIGGER ledger_entry_kept BEFORE DELETE ON ledger_entry
BEGIN SELECT RAISE(ABORT, 'ledger entries are never deleted'); END;
