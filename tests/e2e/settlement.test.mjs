// Money from a shop's capture to its payout, through the binary: statement, ledger, and a restart in between.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Florin, noon, run } from './florin.mjs';

const admin = 'settlement-admin-token';
let florin;
before(async () => {
  florin = await Florin.start(['--merchant-fee-basis-points', '300', '--settlement-utc-offset-minutes', noon.offset, '--merchant-gateways', 'shop-remote=simulator'],
    { ADMIN_TOKEN: admin, SETTLEMENT_ENABLED: 'false' });
});
after(async () => { assert.equal(await florin.stop(), 0); });

let keys = 0;
async function post(path, body) {
  const answer = await florin.get('http', path, {
    method: 'POST', headers: { 'Content-Type': 'application/json', 'Idempotency-Key': `settle-${++keys}` }, body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, answer.body);
  return JSON.parse(answer.body);
}

async function captured(merchantId, amount) {
  const { paymentId } = await post('/api/payments/authorize', { merchantId, amount, currency: 'KRW' });
  await post(`/api/payments/capture/${paymentId}`, { merchantId });
  return paymentId;
}

const asAdmin = { headers: { Authorization: `Bearer ${admin}` } };
const { today } = noon;
const closeToday = () => florin.get('http', `/api/settlements/run?day=${today()}&early=true`, { method: 'POST', ...asAdmin });
const settlements = async (query) => (await florin.json(`/api/settlements?${query}`, asAdmin)).settlements;

test('what was captured and refunded is settled once, and the ledger stays in balance', async () => {
  const merchantId = 'shop-settled';
  const first = await captured(merchantId, 50_000);
  await captured(merchantId, 30_000);
  await post(`/api/payments/refund/${first}`, { merchantId, amount: 10_000, reason: 'returned' });
  const run = await closeToday();
  assert.equal(run.status, 200, run.body);
  assert.equal(JSON.parse(run.body).done, true);
  const [statement, ...others] = await settlements(`merchantId=${merchantId}`);
  assert.equal(others.length, 0);
  assert.deepEqual(statement.captures, { count: 2, amount: 80_000 });
  assert.deepEqual(statement.refunds, { count: 1, amount: 10_000 });
  assert.equal(statement.fees, 2_400);
  assert.equal(statement.net, 67_600);
  assert.equal(statement.paid, 67_600);
  assert.equal(statement.receivedFromGateway, 70_000);
  assert.equal(statement.ledgerTransaction, statement.covers.through + 1);
  assert.deepEqual(await florin.json(`/api/settlements/${statement.settlementId}`, asAdmin), statement);
  // The entries of all payments, and the payout of the statement, leave the merchant nothing to be paid.
  const { payments } = await florin.json(`/api/payments?merchantId=${merchantId}`);
  let payable = -statement.paid;
  for (const { paymentId } of payments) {
    const { ledgerEntries } = await florin.json(`/api/payments/${paymentId}?merchantId=${merchantId}`);
    for (const entry of ledgerEntries) {
      if (entry.creditAccount === 'merchant_payable') payable += entry.amount;
      if (entry.debitAccount === 'merchant_payable') payable -= entry.amount;
    }
  }
  assert.equal(payable, 0);
});

test('a day that was settled stays as it is through a crash, and its later money waits', async () => {
  const merchantId = 'shop-later';
  const before = await settlements('');
  await florin.kill();
  await florin.run();
  await captured(merchantId, 1_000);
  const run = await closeToday();
  assert.equal(JSON.parse(run.body).statements, 0, run.body);
  assert.deepEqual(await settlements(''), before);
});

test('only the operator settles, and only days that have begun', async () => {
  const asked = (query, options = asAdmin) => florin.get('http', `/api/settlements/run${query}`, { method: 'POST', ...options });
  assert.equal((await asked('', {})).status, 401);
  assert.equal((await florin.get('http', '/api/settlements')).status, 401);
  const future = await asked('?day=2999-01-01&early=true');
  assert.equal(future.status, 409);
  assert.match(JSON.parse(future.body).type, /day_not_begun$/);
  assert.equal(future.headers['content-type'], 'application/problem+json');
  assert.equal((await asked('?day=tomorrow')).status, 400);
});

test('the commands settle and print, and say what is wrong', async () => {
  const url = ['--url', `http://127.0.0.1:${florin.ports.http}`, '--admin-token', admin];
  const settled = await run(['settle', '--day', today(), '--close-early', ...url]);
  assert.equal(settled.code, 0, settled.err);
  assert.match(settled.out, /shop-settled +KRW +0 +80000 +10000 +2400 +67600 +67600\n/);
  const { settlements: listed } = JSON.parse((await run(['settle', '--day', today(), '--close-early', '--json', ...url])).out);
  assert.deepEqual(listed, await settlements(''));
  const wrong = await run(['settle', '--day', '2999-01-01', ...url]);
  assert.equal(wrong.code, 1);
  assert.match(wrong.err, /2999-01-01 begins at/);
});

test('payments agree with the records of the gateway that took them, or reconcile says which do not', async () => {
  const merchantId = 'shop-remote';
  const reconcile = (...flags) => run(['reconcile', '--day', today(), '--merchant', merchantId,
    '--url', `http://127.0.0.1:${florin.ports.http}`, '--admin-token', admin, ...flags]);
  await captured(merchantId, 20_000);
  const refunded = await captured(merchantId, 30_000);
  await post(`/api/payments/refund/${refunded}`, { merchantId, reason: 'returned' });
  const well = await reconcile();
  assert.equal(well.code, 0, well.out + well.err);
  assert.match(well.out, /2 payments match, 0 under way\nBoth sides agree\./);
  // Somebody takes money for this merchant past us.
  const { payment_intent_id: stray } = await florin.create({ user_id: merchantId, reservation_id: 'not-ours' });
  const found = await reconcile('--json');
  assert.equal(found.code, 1, found.out + found.err);
  const report = JSON.parse(found.out);
  assert.equal(report.matched, 2);
  assert.deepEqual(report.missingHere.payments.map((one) => one.gatewayReference), [stray]);
  assert.equal(report.missingThere.count, 0);
  const all = await run(['reconcile', '--day', today(), '--url', `http://127.0.0.1:${florin.ports.http}`, '--admin-token', admin]);
  assert.equal(all.code, 1);
  assert.match(all.out, /missing here: 1\n/);
});
