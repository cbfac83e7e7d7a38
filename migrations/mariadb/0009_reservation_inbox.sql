-- Events the reservation worker has dealt with: a repeated message changes nothing.
CREATE TABLE IF NOT EXISTS reservation_inbox (
    event_key VARCHAR(512) NOT NULL PRIMARY KEY,
    done_at   BIGINT       NOT NULL,
    INDEX reservation_inbox_age (done_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
