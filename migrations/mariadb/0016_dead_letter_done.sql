-- Letters that were handled or discarded, by when: what is deleted after a time.
CREATE INDEX IF NOT EXISTS dead_letter_done ON dead_letter (state, updated_at);
