// The commands of the operator against a running server: the ledger proved while it serves, after it was killed and
// after somebody changed the database behind its back; dead letters seen, tried again and given up.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Florin, run, until } from './florin.mjs';

const settings = {
  APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0',
  MERCHANT_FEE_BASIS_POINTS: '300', GATEWAY_TIMEOUT_MS: '50', GATEWAY_CB_MIN_CALLS: '100', ADMIN_TOKEN: 'e2e-admin-token',
  RECOVERY_AFTER_MS: '100', RECOVERY_MAX_ATTEMPTS: '2', RECOVERY_BACKOFF_BASE_MS: '1', RECOVERY_BACKOFF_MAX_MS: '2',
};

let florin;
before(async () => { florin = await Florin.start([], settings); });
after(async () => { assert.equal(await florin.stop(), 0); });

let numbers = 0;
async function post(operation, body) {
  const answer = await florin.get('http', `/payments/${operation}`, {
    method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ merchantId: 'shop-1', reason: 'changed their mind', ...body }),
  });
  return { status: answer.status, ...JSON.parse(answer.body) };
}
const authorize = (amount) => post('authorize', { amount, currency: 'KRW', idempotencyKey: `key-${++numbers}` });

/** 10,000 authorized, 8,000 captured, 1,000 given back. */
async function life() {
  const { paymentId } = await authorize(10_000);
  assert.equal((await post(`capture/${paymentId}`, { amount: 8_000 })).status, 'CAPTURED');
  assert.equal((await post(`refund/${paymentId}`, { amount: 1_000 })).status, 'PARTIALLY_REFUNDED');
  return paymentId;
}

const data = () => path.join(florin.folder, 'data');
async function verify(folder, code) {
  const { code: ended, out, err } = await run(['ledger', 'verify', '--json', '--data-dir', folder]);
  assert.equal(ended, code, out + err);
  return JSON.parse(out);
}
const sql = (file, statements) => promisify(execFile)('python3', ['-c', 'import sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.executescript(sys.argv[2]); d.close()', file, statements]);

const dlq = (...args) => run(['dlq', ...args, '--url', `http://127.0.0.1:${florin.ports.http}`, '--admin-token', settings.ADMIN_TOKEN]);
async function dlqJson(...args) {
  const { code, out, err } = await dlq(...args, '--json');
  assert.equal(code, 0, out + err);
  return JSON.parse(out);
}

test('the ledger is proved while payments go on', async () => {
  let serving = true;
  let made = 0;
  const shops = Array.from({ length: 8 }, async () => { for (; serving; ++made) await life(); });
  await until('some payments', () => made > 20);
  for (let round = 0; round < 3; ++round) {
    const proof = await verify(data(), 0);
    assert.ok(proof.payments > 20);
    assert.ok(proof.transactions >= proof.payments);
  }
  serving = false;
  await Promise.all(shops);
  const proof = await verify(data(), 0);
  assert.equal(proof.payments, made);
  assert.equal(proof.transactions, 3 * made);
  assert.equal(proof.entries, 5 * made);
  const { out } = await run(['ledger', 'show', '--merchant', 'shop-1', '--json', '--data-dir', data()]);
  assert.deepEqual(JSON.parse(out).books[0].balances, {
    authorized_receivable: 0, authorized_obligation: 0, gateway_receivable: 7_000 * made, merchant_payable: -6_760 * made, fee_revenue: -240 * made, cash: 0,
  });
});

test('what was answered is in the ledger after a kill -9, before the next start and after it', async () => {
  const paymentId = await life();
  await florin.kill();
  const killed = await verify(data(), 0);
  const { code, out } = await run(['ledger', 'show', '--merchant', 'shop-1', '--payment', paymentId, '--data-dir', data()]);
  assert.equal(code, 0);
  assert.match(out, /authorize[\s\S]*capture[\s\S]*refund/);
  await florin.run();
  assert.equal((await verify(data(), 0)).fingerprint, killed.fingerprint);
});

test('a database that was changed behind our back is named with payment and amounts', async () => {
  const paymentId = await life();
  await florin.kill();
  const copy = path.join(florin.folder, 'tampered');
  const unlock = ['transaction_fixed', 'transaction_kept', 'line_fixed', 'line_kept'].map((name) => `DROP TRIGGER ledger_${name};`).join('');
  const id = `x'${paymentId.replaceAll('-', '')}'`;
  for (const [tampering, complaint] of [
    [`UPDATE ledger_line SET amount = 8001 WHERE subject_id = ${id} AND debit = 3`, new RegExp(`payment ${paymentId}: captured: expected 8000, found 8001`)],
    [`DELETE FROM ledger_line WHERE subject_id = ${id} AND credit = 5`, /its hash does not match/],
    [`UPDATE merchant_payment SET captured = 9000 WHERE id = ${id}`, new RegExp(`payment ${paymentId}: captured: expected 9000, found 8000`)],
    [`DELETE FROM merchant_payment WHERE id = ${id}`, new RegExp(`payment ${paymentId}: the payment itself: expected to exist`)],
    ['UPDATE ledger_book SET cash = 1000000, gateway_receivable = gateway_receivable - 1000000', /cash stands at 1000000, its entries come to 0/],
    ["UPDATE ledger_transaction SET hash = x'00' WHERE number = 2", /transaction 2 .*its hash does not match/],
    ['UPDATE ledger_transaction SET seq = 10000000 WHERE number = 2', /something between them was removed or added/],
    [`DELETE FROM ledger_transaction WHERE subject_id = ${id} AND movement = 4; DELETE FROM ledger_line WHERE subject_id = ${id} AND debit = 4 AND credit = 3`, new RegExp(`payment ${paymentId}: refunded: expected 1000, found 0`)],
  ]) {
    fs.cpSync(data(), copy, { recursive: true });
    await sql(path.join(copy, 'florin.db'), `${unlock}${tampering};`);
    const { complaints, ok } = await verify(copy, 1);
    assert.equal(ok, false);
    assert.ok(complaints.some(({ text }) => complaint.test(text)), `${tampering}: ${JSON.stringify(complaints)}`);
    const { code, out } = await run(['ledger', 'verify', '--data-dir', copy]);
    assert.equal(code, 1);
    assert.match(out, /^WRONG: /m);
    fs.rmSync(copy, { recursive: true });
  }
  await florin.run();
});

test('a folder without a database is no ledger', async () => {
  const { code, err } = await run(['ledger', 'verify', '--data-dir', path.join(florin.folder, 'nothing')]);
  assert.equal(code, 1);
  assert.match(err, /there is no database .*nothing/);
});

test('a payment that no gateway answers for waits for a person, who tries again or gives up', async () => {
  assert.match((await dlq('list')).out, /nothing waits for you/);
  assert.equal((await authorize(100_504)).code, 'GATEWAY_TIMEOUT');
  const waiting = () => dlqJson('list', '--group', 'gateway-recovery').then(({ dead_letters: letters }) => letters[0]);
  const first = await until('the dead letter', waiting);
  assert.equal(first.error_type, 'GatewayUnanswered');
  assert.equal(first.topic, 'payment.authorize-unanswered');
  assert.equal(JSON.parse((await dlqJson('show', first.id)).payload).paymentId, first.key);
  assert.match((await dlq('list')).out, new RegExp(`${first.id}  gateway-recovery .*${first.key}`));

  const redriven = await dlq('redrive', first.id);
  assert.equal(redriven.code, 0);
  assert.match(redriven.out, new RegExp(`^${first.id}  DONE$`, 'm'));
  const second = await until('the dead letter of the next attempts', waiting);
  assert.notEqual(second.id, first.id);
  assert.equal(second.key, first.key);
  assert.equal((await dlqJson('redrive', '--all', '--group', 'gateway-recovery')).done, 1);
  const third = await until('the one after that', waiting);

  assert.equal((await dlq('discard', third.id)).code, 0);
  assert.equal((await dlqJson('list')).dead_letters.length, 0);
  const again = await dlq('redrive', third.id);
  assert.equal(again.code, 1);
  assert.match(again.out, /FAILED: .*DISCARDED/);
  await verify(data(), 0);
});

test('dead letters are for the operator alone', async () => {
  const url = `http://127.0.0.1:${florin.ports.http}`;
  const { code, err } = await run(['dlq', 'list', '--url', url]);
  assert.equal(code, 1);
  assert.match(err, /--admin-token/);
  assert.equal((await run(['dlq', 'list', '--url', url], { env: { ADMIN_TOKEN: settings.ADMIN_TOKEN } })).code, 0);
  assert.equal((await run(['dlq', 'redrive', '--all'])).code, 2);
});
