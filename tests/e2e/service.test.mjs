import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Florin, receiver, secret, until } from './florin.mjs';

let florin;
before(async () => { florin = await Florin.start(); });
after(async () => { assert.equal(await florin.stop(), 0); });

const refused = (code, text) => (error) => {
  assert.equal(error.code, code, error.message);
  assert.match(error.details, text);
  return true;
};

test('a payment is pending at once and completed after its delay, with every field filled', async () => {
  const created = await florin.create({ metadata: { source: 'web', tags: { cart: '7' } } });
  assert.match(created.payment_intent_id, /^pay-[0-9a-f-]{36}$/);
  assert.equal(created.status, 'PAYMENT_STATUS_PENDING');
  assert.ok(created.client_secret.startsWith(`${created.payment_intent_id}_secret_`));
  assert.ok(created.payment_url.endsWith(`/pay/${created.payment_intent_id}`));
  assert.ok(created.expires_at.seconds > Date.now() / 1000);
  await until('the outcome', async () => (await florin.status(created.payment_intent_id)) === 'PAYMENT_STATUS_COMPLETED');
  const { payment } = await florin.call('GetPaymentIntent', { payment_intent_id: created.payment_intent_id, user_id: 'user-1' });
  assert.equal(payment.payment_id, created.payment_intent_id);
  assert.equal(payment.reservation_id, 'rsv-1');
  assert.deepEqual(payment.amount, { amount: 50_000, currency: 'KRW' });
  assert.match(payment.transaction_id, /^txn-/);
  assert.equal(payment.result.success, true);
  assert.equal(payment.metadata.tags.cart, '7');
  for (const time of ['created_at', 'updated_at', 'processed_at']) assert.ok(payment[time].seconds > 0, time);
});

test('each scenario ends as it should', async () => {
  for (const [scenario, status] of [['APPROVE', 'COMPLETED'], ['FAIL', 'FAILED'], ['DELAY', 'COMPLETED'], ['TIMEOUT', 'PROCESSING']]) {
    const { payment_intent_id: id } = await florin.create({ scenario: `PAYMENT_SCENARIO_${scenario}` });
    await until(scenario, async () => (await florin.status(id)) === `PAYMENT_STATUS_${status}`);
  }
});

test('requests that make no sense are refused by the field that is wrong', async () => {
  const cases = [
    [{ reservation_id: ' ' }, /reservation_id/], [{ user_id: '' }, /user_id/], [{ amount: null }, /amount/],
    [{ amount: { amount: 0 } }, /amount\.amount/], [{ amount: { amount: -5 } }, /amount\.amount/],
    [{ amount: { amount: 5, currency: 'won' } }, /currency/], [{ scenario: 77 }, /scenario/],
    [{ webhook_url: 'ftp://x/' }, /webhook_url/], [{ webhook_url: 'http://user:pw@x/' }, /webhook_url/],
    [{ reservation_id: 'x'.repeat(200) }, /reservation_id/], [{ metadata: { tags: { delay_ms: 'soon' } } }, /delay_ms/],
  ];
  for (const [fields, text] of cases) {
    await assert.rejects(florin.create(fields), refused(grpc.status.INVALID_ARGUMENT, text), JSON.stringify(fields));
    await assert.rejects(florin.create(fields), /bad request:/);
  }
});

test('unknown payments and those of others are not found', async () => {
  await assert.rejects(florin.call('GetPaymentStatus', { payment_intent_id: 'pay-xxx' }), refused(grpc.status.NOT_FOUND, /^payment intent not found: pay-xxx$/));
  const { payment_intent_id: id } = await florin.create();
  await assert.rejects(florin.call('GetPaymentStatus', { payment_intent_id: id, user_id: 'somebody' }), refused(grpc.status.NOT_FOUND, /not found/));
  await assert.rejects(florin.call('GetPaymentStatus', {}), refused(grpc.status.INVALID_ARGUMENT, /payment_intent_id/));
});

test('the same idempotency key gets the same answer, and only for the same request', async () => {
  const fields = { idempotency_key: `key-${process.pid}-${Date.now()}` };
  const twins = await Promise.all(Array.from({ length: 50 }, () => florin.create(fields)));
  assert.equal(new Set(twins.map((answer) => JSON.stringify(answer))).size, 1);
  await assert.rejects(florin.create({ ...fields, amount: { amount: 1 } }), refused(grpc.status.ALREADY_EXISTS, /idempotency conflict/));
});

test('a payment is processed once, however often it is asked for', async () => {
  const { payment_intent_id: id } = await florin.create({ scenario: 'PAYMENT_SCENARIO_FAIL', metadata: { tags: { delay_ms: '60000' } } });
  const first = await florin.call('ProcessPayment', { payment_intent_id: id });
  assert.equal(first.status, 'PAYMENT_STATUS_FAILED');
  assert.equal(first.result.success, false);
  assert.deepEqual(await florin.call('ProcessPayment', { payment_intent_id: id }), first);
  await assert.rejects(florin.call('CancelPayment', { payment_intent_id: id }), refused(grpc.status.FAILED_PRECONDITION, /nothing to cancel/));
});

test('card details are checked for form', async () => {
  const { payment_intent_id: id } = await florin.create();
  await assert.rejects(florin.call('ProcessPayment', { payment_intent_id: id, payment_details: { credit_card: { card_number: 'abc', expiry_month: '13', expiry_year: '1' } } }), refused(grpc.status.INVALID_ARGUMENT, /card_number.*expiry_month.*expiry_year/));
});

test('a pending payment is cancelled, a completed one refunded in parts', async () => {
  const pending = await florin.create({ metadata: { tags: { delay_ms: '60000' } } });
  const cancelled = await florin.call('CancelPayment', { payment_intent_id: pending.payment_intent_id, reason: 'changed my mind' });
  assert.equal(cancelled.status, 'PAYMENT_STATUS_CANCELLED');
  const { payment_intent_id: id } = await florin.create({ metadata: { tags: { delay_ms: '60000' } } });
  await florin.call('ProcessPayment', { payment_intent_id: id });
  const refund = (amount) => florin.call('CancelPayment', { payment_intent_id: id, ...(amount && { refund_amount: { amount, currency: 'KRW' } }) });
  assert.equal((await refund(20_000)).status, 'PAYMENT_STATUS_COMPLETED');
  await assert.rejects(refund(30_001), refused(grpc.status.FAILED_PRECONDITION, /left to refund/));
  const rest = await refund();
  assert.equal(rest.status, 'PAYMENT_STATUS_REFUNDED');
  assert.equal(rest.refunded_amount.amount, 30_000);
  assert.match(rest.refund_id, /^rfd-/);
  await assert.rejects(refund(), refused(grpc.status.FAILED_PRECONDITION, /./));
});

test('a list pages by a cursor that stays valid while payments arrive', async () => {
  const user_id = `lister-${Date.now()}`;
  const ids = [];
  for (let n = 0; n < 7; ++n) ids.unshift((await florin.create({ user_id })).payment_intent_id);
  const seen = [];
  let cursor = '';
  do {
    const page = await florin.call('ListPayments', { user_id, pagination: { page_size: 3, cursor } });
    seen.push(...page.payments.map((payment) => payment.payment_intent_id));
    cursor = page.page_info.next_cursor;
    await florin.create({ user_id });
  } while (cursor);
  assert.deepEqual(seen, ids);
  const failed = await florin.call('ListPayments', { user_id, status: 'PAYMENT_STATUS_FAILED' });
  assert.equal(failed.payments.length, 0);
  await assert.rejects(florin.call('ListPayments', { pagination: { cursor: 'nonsense' } }), refused(grpc.status.INVALID_ARGUMENT, /cursor/));
});

test('the webhook has the contract\'s body and signature, and Standard Webhooks headers', async () => {
  const { url, webhooks, close } = await receiver();
  const { payment_intent_id: id } = await florin.create({ webhook_url: url, reservation_id: 'rsv-"한글"' });
  await until('the webhook', () => webhooks.length > 0);
  const [{ headers, body, json }] = webhooks;
  assert.deepEqual(Object.keys(json), ['payment_id', 'reservation_id', 'status', 'amount', 'currency', 'timestamp', 'event_type']);
  assert.equal(json.payment_id, id);
  assert.equal(json.reservation_id, 'rsv-"한글"');
  assert.equal(json.event_type, 'payment.status_updated');
  assert.ok(Math.abs(json.timestamp - Date.now() / 1000) < 600);
  assert.equal(headers['x-webhook-signature'], `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`);
  const signed = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
  assert.equal(headers['webhook-signature'], `v1,${createHmac('sha256', secret).update(signed).digest('base64')}`);
  assert.equal(headers['user-agent'], 'PaymentSim/1.0');
  assert.equal(headers['content-type'], 'application/json');
  assert.equal(headers['x-webhook-attempt'], '1');
  assert.equal(await florin.status(id), 'PAYMENT_STATUS_COMPLETED', 'the status turns before the webhook leaves');
  close();
});

test('a webhook goes on with the trace of the call that created its payment', async () => {
  const { url, webhooks, close } = await receiver();
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736';
  const traced = async (name, value) => {
    const metadata = new grpc.Metadata();
    if (name) metadata.set(name, value);
    const { payment_intent_id: id } = await florin.call('CreatePaymentIntent', { reservation_id: 'rsv-1', user_id: 'user-1', amount: { amount: 1, currency: 'KRW' }, webhook_url: url, metadata: { tags: { delay_ms: '0' } } }, metadata);
    return (await until('the webhook', () => webhooks.find(({ json }) => json.payment_id === id))).headers;
  };
  const headers = await traced('traceparent', `00-${trace}-00f067aa0ba902b7-01`);
  assert.match(headers.traceparent, new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`));
  assert.doesNotMatch(headers.traceparent, /00f067aa0ba902b7/);
  assert.equal(headers['x-correlation-id'], trace);
  const correlated = await traced('x-correlation-id', 'order-17');
  assert.equal(correlated['x-correlation-id'], 'order-17');
  assert.equal(correlated.traceparent, undefined);
  const untraced = await traced();
  assert.equal(untraced.traceparent.slice(3, 35), untraced['x-correlation-id']);
  close();
});

test('a webhook can be simulated', async () => {
  const { url, webhooks, close } = await receiver();
  const { payment_intent_id: id } = await florin.create({ webhook_url: url, metadata: { tags: { delay_ms: '60000' } } });
  const sent = await florin.call('SimulateWebhook', { payment_intent_id: id, target_status: 'PAYMENT_STATUS_FAILED', force_trigger: true });
  assert.equal(sent.webhook_sent, true);
  await until('the webhook', () => webhooks.length > 0);
  assert.equal(webhooks[0].json.status, 'PAYMENT_STATUS_FAILED');
  assert.equal(webhooks[0].headers['x-webhook-id'], sent.webhook_id);
  assert.equal(await florin.status(id), 'PAYMENT_STATUS_PENDING');
  close();
});

test('methods that do not exist and deadlines that pass have their own codes', async () => {
  await assert.rejects(new Promise((resolve, reject) => {
    florin.client.makeUnaryRequest('/payment.v1.PaymentService/NoSuch', (x) => x, (x) => x, Buffer.alloc(0), (error) => (error ? reject(error) : resolve()));
  }), refused(grpc.status.UNIMPLEMENTED, /NoSuch/));
  await assert.rejects(florin.call('GetPaymentStatus', { payment_intent_id: 'pay-x' }, new grpc.Metadata(), { deadline: Date.now() - 1 }), refused(grpc.status.DEADLINE_EXCEEDED, /./));
});
