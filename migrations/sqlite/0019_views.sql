-- The names that people and their tools look for belong to views in their types: ids and states as text, times as UTC.
-- The tables that had them step aside.
ALTER TABLE outbox_event RENAME TO outbox;
ALTER TABLE ledger_entry RENAME TO ledger_line;
DROP TRIGGER ledger_entry_fixed;
DROP TRIGGER ledger_entry_kept;
CREATE TRIGGER ledger_line_fixed BEFORE UPDATE ON ledger_line
BEGIN SELECT RAISE(ABORT, 'ledger entries never change'); END;
CREATE TRIGGER ledger_line_kept BEFORE DELETE ON ledger_line
BEGIN SELECT RAISE(ABORT, 'ledger entries are never deleted'); END;

CREATE VIEW payment AS
SELECT lower(hex(substr(id, 1, 4)) || '-' || hex(substr(id, 5, 2)) || '-' || hex(substr(id, 7, 2)) || '-' ||
             hex(substr(id, 9, 2)) || '-' || hex(substr(id, 11))) AS payment_id,
       merchant_id, amount, currency,
       CASE state WHEN 1 THEN 'READY' WHEN 2 THEN 'AUTHORIZED' WHEN 3 THEN 'AUTH_FAILED'
           WHEN 4 THEN 'CAPTURE_REQUESTED' WHEN 5 THEN 'CAPTURED' WHEN 6 THEN 'CAPTURE_FAILED'
           WHEN 7 THEN 'REFUND_REQUESTED' WHEN 8 THEN 'PARTIALLY_REFUNDED' WHEN 9 THEN 'REFUNDED'
           WHEN 10 THEN 'REFUND_FAILED' WHEN 11 THEN 'VOID_REQUESTED' WHEN 12 THEN 'VOIDED' END AS status,
       captured AS captured_amount, refunded AS refunded_amount, idempotency_key, gateway, gateway_reference,
       approval_number, failure_code, failure_message,
       strftime('%Y-%m-%d %H:%M:%S', requested_at / 1000000, 'unixepoch') || printf('.%06d', requested_at % 1000000) AS requested_at,
       strftime('%Y-%m-%d %H:%M:%S', updated_at / 1000000, 'unixepoch') || printf('.%06d', updated_at % 1000000) AS updated_at
FROM merchant_payment;

-- Both sides of an entry in one row. `entry_id` orders the entries as they were booked.
CREATE VIEW ledger_entry AS
SELECT t.seq * 10 + l.line AS entry_id,
       lower(hex(substr(l.subject_id, 1, 4)) || '-' || hex(substr(l.subject_id, 5, 2)) || '-' || hex(substr(l.subject_id, 7, 2)) || '-' ||
             hex(substr(l.subject_id, 9, 2)) || '-' || hex(substr(l.subject_id, 11))) AS payment_id,
       CASE l.debit WHEN 1 THEN 'authorized_receivable' WHEN 2 THEN 'authorized_obligation' WHEN 3 THEN 'gateway_receivable'
           WHEN 4 THEN 'merchant_payable' WHEN 5 THEN 'fee_revenue' WHEN 6 THEN 'cash' END AS debit_account,
       CASE l.credit WHEN 1 THEN 'authorized_receivable' WHEN 2 THEN 'authorized_obligation' WHEN 3 THEN 'gateway_receivable'
           WHEN 4 THEN 'merchant_payable' WHEN 5 THEN 'fee_revenue' WHEN 6 THEN 'cash' END AS credit_account,
       l.amount, b.merchant_id, b.currency,
       strftime('%Y-%m-%d %H:%M:%S', t.at / 1000000, 'unixepoch') || printf('.%06d', t.at % 1000000) AS occurred_at
FROM ledger_line l
JOIN ledger_transaction t ON t.subject_id = l.subject_id AND t.step = l.step
JOIN ledger_book b ON b.id = t.book_id;

-- `published` is 1 once every consumer has written down that it has passed the event, which may be a while later.
CREATE VIEW outbox_event AS
SELECT seq AS event_id, aggregate_type, aggregate_id, event_type, payload,
       COALESCE(seq <= (SELECT MIN(position) FROM consumer_offset), 0) AS published,
       strftime('%Y-%m-%d %H:%M:%S', created_at / 1000000, 'unixepoch') || printf('.%06d', created_at % 1000000) AS created_at
FROM outbox;
