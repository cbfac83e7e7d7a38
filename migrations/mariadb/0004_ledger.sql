-- A book per merchant and currency: balances (debits minus credits) and a hash chain of its own, so that books never wait
-- for each other. One row, for one update a posting.
CREATE TABLE IF NOT EXISTS ledger_book (
    id           BIGINT        NOT NULL PRIMARY KEY AUTO_INCREMENT,
    merchant_id  VARCHAR(64)   NOT NULL,
    currency     VARCHAR(3)    NOT NULL,
    transactions BIGINT        NOT NULL,
    head         VARBINARY(64) NOT NULL,
    authorized_receivable BIGINT NOT NULL,
    authorized_obligation BIGINT NOT NULL,
    gateway_receivable    BIGINT NOT NULL,
    merchant_payable      BIGINT NOT NULL,
    fee_revenue           BIGINT NOT NULL,
    cash                  BIGINT NOT NULL,
    UNIQUE INDEX ledger_book_merchant (merchant_id, currency)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- What a posting is about (a payment, a settlement statement) and which of its steps it books: the pair is unique,
-- so that an effect is booked once whatever is repeated.
CREATE TABLE IF NOT EXISTS ledger_transaction (
    seq        BIGINT        NOT NULL PRIMARY KEY AUTO_INCREMENT,
    book_id    BIGINT        NOT NULL,
    number     BIGINT        NOT NULL,
    subject_id VARBINARY(64) NOT NULL,
    step       BIGINT        NOT NULL,
    movement   SMALLINT      NOT NULL,
    at         BIGINT        NOT NULL,
    hash       VARBINARY(64) NOT NULL,
    UNIQUE INDEX ledger_transaction_subject (subject_id, step)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- One row carries both sides: an entry cannot be out of balance.
CREATE TABLE IF NOT EXISTS ledger_line (
    subject_id VARBINARY(64) NOT NULL,
    step       BIGINT        NOT NULL,
    line       INT           NOT NULL,
    debit      SMALLINT      NOT NULL,
    credit     SMALLINT      NOT NULL,
    amount     BIGINT        NOT NULL CHECK (amount > 0),
    PRIMARY KEY (subject_id, step, line),
    CONSTRAINT ledger_line_sides CHECK (credit <> debit)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- What is booked stays as it is. A mistake is corrected by another posting.
CREATE OR REPLACE TRIGGER ledger_transaction_fixed BEFORE UPDATE ON ledger_transaction FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger transactions never change';
CREATE OR REPLACE TRIGGER ledger_transaction_kept BEFORE DELETE ON ledger_transaction FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger transactions are never deleted';
CREATE OR REPLACE TRIGGER ledger_line_fixed BEFORE UPDATE ON ledger_line FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger entries never change';
CREATE OR REPLACE TRIGGER ledger_line_kept BEFORE DELETE ON ledger_line FOR EACH ROW
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'ledger entries are never deleted';
