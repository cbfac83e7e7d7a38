-- Messages of Kafka that a group is done with: one that comes again changes nothing. Written in the transaction of the
-- message's effect.
CREATE TABLE consumer_handled (
    consumer_group TEXT    NOT NULL,
    event_id       BLOB    NOT NULL,
    handled_at     INTEGER NOT NULL,
    PRIMARY KEY (consumer_group, event_id)
) WITHOUT ROWID;
CREATE INDEX consumer_handled_age ON consumer_handled (handled_at);
