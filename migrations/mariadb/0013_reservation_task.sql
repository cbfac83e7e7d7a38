-- Outcomes of payments that the reservation worker has taken from the log and has yet to deal with. Of one
-- reservation the earliest comes first; the others wait for it.
CREATE TABLE IF NOT EXISTS reservation_task (
    event_id       BINARY(16)   NOT NULL PRIMARY KEY,
    reservation_id VARCHAR(128) NOT NULL,
    position       BIGINT       NOT NULL,
    topic          VARCHAR(255) NOT NULL,
    message_key    VARCHAR(255) NOT NULL,
    payload        MEDIUMTEXT   NOT NULL,
    event_at       BIGINT       NOT NULL,
    attempts       INT          NOT NULL,
    due_at         BIGINT       NOT NULL,
    INDEX reservation_task_order (reservation_id, position),
    INDEX reservation_task_due (due_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
