-- A group that reads another log now keeps its place in this one: `elsewhere` is 1 then, and every event that happened
-- before `handled_before` is one that it handled here; null: nothing is known of them.
ALTER TABLE consumer_offset
    ADD COLUMN IF NOT EXISTS elsewhere SMALLINT NOT NULL DEFAULT 0,
    ADD COLUMN IF NOT EXISTS handled_before BIGINT;

-- `published` is 1 once every consumer of this log has written down that it has passed the event.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW outbox_event AS
SELECT seq AS event_id, aggregate_type, aggregate_id, event_type, payload,
       COALESCE(seq <= (SELECT MIN(position) FROM consumer_offset WHERE elsewhere = 0), 0) AS published,
       TIMESTAMPADD(MICROSECOND, created_at, TIMESTAMP'1970-01-01 00:00:00') AS created_at
FROM outbox;
