-- Keys merchants authenticate with: only a digest is kept. `expires_at` was chosen with the key, `retires_at` is when
-- one that was replaced stops, `revoked_at` stopped it at once. `last_used_at` is right to a minute.
CREATE TABLE merchant_api_key (
    id           BLOB    NOT NULL PRIMARY KEY,
    merchant_id  TEXT    NOT NULL,
    name         TEXT    NOT NULL,
    digest       BLOB    NOT NULL UNIQUE,
    hint         TEXT    NOT NULL,
    scopes       INTEGER NOT NULL,
    created_at   INTEGER NOT NULL,
    expires_at   INTEGER,
    retires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) WITHOUT ROWID;
CREATE INDEX merchant_api_key_merchant ON merchant_api_key (merchant_id, id);
