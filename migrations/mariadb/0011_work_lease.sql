-- Processes that share this database. `beat` grows for as long as the process lives.
CREATE TABLE IF NOT EXISTS instance (
    id         BINARY(16)   NOT NULL PRIMARY KEY,
    beat       BIGINT       NOT NULL,
    name       VARCHAR(255) NOT NULL,
    started_at BIGINT       NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

-- Work that one process does at a time, and which one does.
CREATE TABLE IF NOT EXISTS work_lease (
    name   VARCHAR(300) NOT NULL PRIMARY KEY,
    holder BINARY(16)   NOT NULL,
    INDEX work_lease_holder (holder)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
