-- How far each consumer group has come in the outbox. It moves in the transaction of the group's effect.
CREATE TABLE IF NOT EXISTS consumer_offset (
    consumer_group VARCHAR(128) NOT NULL PRIMARY KEY,
    position       BIGINT       NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- Messages a group could not handle. State 0 waiting, 1 handled by a re-drive, 2 discarded.
CREATE TABLE IF NOT EXISTS dead_letter (
    id             BINARY(16)   NOT NULL PRIMARY KEY,
    consumer_group VARCHAR(128) NOT NULL,
    topic          VARCHAR(255) NOT NULL,
    position       BIGINT       NOT NULL,
    event_id       BINARY(16)   NOT NULL,
    message_key    VARCHAR(255) NOT NULL,
    payload        MEDIUMTEXT   NOT NULL,
    event_at       BIGINT       NOT NULL,
    error_type     VARCHAR(255) NOT NULL,
    error_message  MEDIUMTEXT   NOT NULL,
    attempts       INT          NOT NULL,
    state          SMALLINT     NOT NULL,
    created_at     BIGINT       NOT NULL,
    updated_at     BIGINT       NOT NULL,
    INDEX dead_letter_waiting (state, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
