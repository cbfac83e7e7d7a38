-- What is stored in the types that people and their tools read: ids and states as text, times as UTC.

CREATE OR REPLACE SQL SECURITY INVOKER VIEW payment AS
SELECT LOWER(CONCAT_WS('-', HEX(SUBSTR(id, 1, 4)), HEX(SUBSTR(id, 5, 2)), HEX(SUBSTR(id, 7, 2)),
                       HEX(SUBSTR(id, 9, 2)), HEX(SUBSTR(id, 11)))) AS payment_id,
       merchant_id, amount, currency,
       ELT(state, 'READY', 'AUTHORIZED', 'AUTH_FAILED', 'CAPTURE_REQUESTED', 'CAPTURED', 'CAPTURE_FAILED',
           'REFUND_REQUESTED', 'PARTIALLY_REFUNDED', 'REFUNDED', 'REFUND_FAILED', 'VOID_REQUESTED', 'VOIDED') AS status,
       captured AS captured_amount, refunded AS refunded_amount, idempotency_key, gateway, gateway_reference,
       approval_number, failure_code, failure_message,
       TIMESTAMPADD(MICROSECOND, requested_at, TIMESTAMP'1970-01-01 00:00:00') AS requested_at,
       TIMESTAMPADD(MICROSECOND, updated_at, TIMESTAMP'1970-01-01 00:00:00') AS updated_at
FROM merchant_payment;

-- Both sides of an entry in one row. `entry_id` orders the entries as they were booked.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW ledger_entry AS
SELECT t.seq * 10 + l.line AS entry_id,
       LOWER(CONCAT_WS('-', HEX(SUBSTR(l.subject_id, 1, 4)), HEX(SUBSTR(l.subject_id, 5, 2)), HEX(SUBSTR(l.subject_id, 7, 2)),
                       HEX(SUBSTR(l.subject_id, 9, 2)), HEX(SUBSTR(l.subject_id, 11)))) AS payment_id,
       ELT(l.debit, 'authorized_receivable', 'authorized_obligation', 'gateway_receivable', 'merchant_payable',
           'fee_revenue', 'cash') AS debit_account,
       ELT(l.credit, 'authorized_receivable', 'authorized_obligation', 'gateway_receivable', 'merchant_payable',
           'fee_revenue', 'cash') AS credit_account,
       l.amount, b.merchant_id, b.currency,
       TIMESTAMPADD(MICROSECOND, t.at, TIMESTAMP'1970-01-01 00:00:00') AS occurred_at
FROM ledger_line l
JOIN ledger_transaction t ON t.subject_id = l.subject_id AND t.step = l.step
JOIN ledger_book b ON b.id = t.book_id;

-- `published` is 1 once every consumer has written down that it has passed the event, which may be a while later.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW outbox_event AS
SELECT seq AS event_id, aggregate_type, aggregate_id, event_type, payload,
       COALESCE(seq <= (SELECT MIN(position) FROM consumer_offset), 0) AS published,
       TIMESTAMPADD(MICROSECOND, created_at, TIMESTAMP'1970-01-01 00:00:00') AS created_at
FROM outbox;

-- What authorizations were answered, while the answers are kept. Of a payment's keys the first was its authorization's.
CREATE OR REPLACE SQL SECURITY INVOKER VIEW idem_response_cache AS
SELECT p.merchant_id, p.idempotency_key, a.status AS http_status, a.body AS response_body,
       TIMESTAMPADD(MICROSECOND, p.requested_at, TIMESTAMP'1970-01-01 00:00:00') AS created_at
FROM merchant_payment p
JOIN merchant_idempotency_answer a
  ON a.id = (SELECT MIN(k.answer_id) FROM merchant_idempotency_key k WHERE k.payment_id = p.id)
WHERE p.idempotency_key <> '';
