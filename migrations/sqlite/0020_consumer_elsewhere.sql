-- A group that reads another log now keeps its place in this one: `elsewhere` is 1 then, and every event that happened
-- before `handled_before` is one that it handled here; null: nothing is known of them.
ALTER TABLE consumer_offset ADD COLUMN elsewhere INTEGER NOT NULL DEFAULT 0;
ALTER TABLE consumer_offset ADD COLUMN handled_before INTEGER;

DROP VIEW outbox_event;
-- `published` is 1 once every consumer of this log has written down that it has passed the event.
CREATE VIEW outbox_event AS
SELECT seq AS event_id, aggregate_type, aggregate_id, event_type, payload,
       COALESCE(seq <= (SELECT MIN(position) FROM consumer_offset WHERE elsewhere = 0), 0) AS published,
       strftime('%Y-%m-%d %H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06d', created_at % 1000000) AS created_at
FROM outbox;
