-- What each merchant took and gave back on a business day: kept up by a consumer of the log.
CREATE TABLE merchant_daily_sales (
    merchant_id     TEXT    NOT NULL,
    day             INTEGER NOT NULL,
    currency        TEXT    NOT NULL,
    captures        INTEGER NOT NULL,
    captured_amount INTEGER NOT NULL,
    refunds         INTEGER NOT NULL,
    refunded_amount INTEGER NOT NULL,
    PRIMARY KEY (merchant_id, day, currency)
) WITHOUT ROWID;
