-- What each merchant took and gave back on a business day: kept up by a consumer of the log.
CREATE TABLE IF NOT EXISTS merchant_daily_sales (
    merchant_id     VARCHAR(64) NOT NULL,
    day             INT         NOT NULL,
    currency        VARCHAR(3)  NOT NULL,
    captures        BIGINT      NOT NULL,
    captured_amount BIGINT      NOT NULL,
    refunds         BIGINT      NOT NULL,
    refunded_amount BIGINT      NOT NULL,
    PRIMARY KEY (merchant_id, day, currency)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
