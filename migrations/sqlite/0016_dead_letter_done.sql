-- Letters that were handled or discarded, by when: what is deleted after a time.
CREATE INDEX dead_letter_done ON dead_letter (updated_at) WHERE state <> 0;
