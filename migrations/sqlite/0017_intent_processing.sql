-- When a payment began to hang at the gateway that never answers; null: it did not, or it did before this was kept.
ALTER TABLE gateway_intent ADD COLUMN processing_at INTEGER;
UPDATE gateway_intent SET processing_at = updated_at WHERE state = 2 AND due_at IS NOT NULL;
