-- Which database this is: what others keep of it (a cache) tells by it whether it is of this one. Never copied.
CREATE TABLE IF NOT EXISTS database_identity (
    only SMALLINT   NOT NULL PRIMARY KEY CHECK (only = 1),
    id   BINARY(16) NOT NULL
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;

INSERT IGNORE INTO database_identity (only, id) VALUES (1, UNHEX(REPLACE(UUID(), '-', '')));
