-- Messages of Kafka that a group is done with: one that comes again changes nothing. Written in the transaction of the
-- message's effect.
CREATE TABLE IF NOT EXISTS consumer_handled (
    consumer_group VARCHAR(128) NOT NULL,
    event_id       BINARY(16)   NOT NULL,
    handled_at     BIGINT       NOT NULL,
    PRIMARY KEY (consumer_group, event_id),
    INDEX consumer_handled_age (handled_at)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
