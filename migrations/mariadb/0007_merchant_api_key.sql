-- Keys merchants authenticate with: only a digest is kept. `expires_at` was chosen with the key, `retires_at` is when
-- one that was replaced stops, `revoked_at` stopped it at once. `last_used_at` is right to a minute.
CREATE TABLE IF NOT EXISTS merchant_api_key (
    id           BINARY(16)   NOT NULL PRIMARY KEY,
    merchant_id  VARCHAR(64)  NOT NULL,
    name         VARCHAR(255) NOT NULL,
    digest       BINARY(32)   NOT NULL,
    hint         VARCHAR(64)  NOT NULL,
    scopes       BIGINT       NOT NULL,
    created_at   BIGINT       NOT NULL,
    expires_at   BIGINT,
    retires_at   BIGINT,
    revoked_at   BIGINT,
    last_used_at BIGINT,
    UNIQUE INDEX merchant_api_key_digest (digest),
    INDEX merchant_api_key_merchant (merchant_id, id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin;
