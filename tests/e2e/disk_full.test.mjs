// A disk that fills up. The limit on the size of a file stands in for it: the server's next page does not fit.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import { Florin, binary, until } from './florin.mjs';

const limit_kib = 3_072;
const limited = ['bash', '-c', `ulimit -S -f ${limit_kib}; exec "$0" "$@"`];
const long = { metadata: { source: 'x'.repeat(200), tags: { delay_ms: '3600000' } } };

let florin;
const acknowledged = [];
const authorized = [];
before(async () => { florin = await Florin.start([], { APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0' }, limited); });
after(async () => { assert.equal(await florin.stop(), 0); });

async function ask(method, target, body) {
  const answer = await florin.get('http', target, { method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  return { ...answer, json: JSON.parse(answer.body) };
}
const authorize = (key) => ask('POST', '/payments/authorize', { merchantId: 'shop-1', amount: 1_000, currency: 'KRW', idempotencyKey: key });
const ready = async () => { const { status, body } = await florin.get('health', '/ready'); return { code: status, ...JSON.parse(body) }; };

/** Nothing, or why the payment was refused. */
const create = () => florin.create(long).then(({ payment_intent_id: id }) => { acknowledged.push(id); }, (error) => error);
const take = async (n) => {
  const answer = await authorize(`fill-${n}`);
  if (answer.status !== 200) return answer;
  authorized.push(answer.json.paymentId);
};

/** Creates payments of both kinds until each is refused. */
async function fill() {
  const refusals = {};
  const until_refused = async (kind, one) => {
    for (let n = 0; n < 100_000 && !refusals[kind]; ++n) {
      const refusal = await one(n);
      if (refusal) refusals[kind] ??= refusal;
    }
  };
  await Promise.all([...Array.from({ length: 8 }, () => until_refused('intent', create)), until_refused('payment', take)]);
  return refusals;
}

test('when the disk is full, what cannot be stored is refused with what to do', async () => {
  const { intent, payment } = await fill();
  assert.ok(acknowledged.length > 100 && authorized.length > 10, `${acknowledged.length} intents and ${authorized.length} payments fitted`);
  assert.equal(intent.code, grpc.status.UNAVAILABLE, intent.message);
  assert.match(intent.details, /try again/);
  assert.equal(payment.status, 503, payment.body);
  assert.equal(payment.json.code, 'STORE_UNAVAILABLE');
  assert.match(payment.json.message, /try again/);
  assert.ok(!payment.body.includes(florin.folder), 'clients are not told of folders');
  assert.ok(Number(payment.headers['retry-after']) > 0);
});

test('the server stays up, reads go on, and /ready names the store and the remedy', async () => {
  assert.equal(await florin.status(acknowledged[0]), 'PAYMENT_STATUS_PENDING');
  assert.equal(await florin.status(acknowledged.at(-1)), 'PAYMENT_STATUS_PENDING');
  assert.equal((await ask('GET', `/payments/${authorized.at(-1)}?merchantId=shop-1`)).json.status, 'AUTHORIZED');
  const { payments } = await florin.call('ListPayments', { pagination: { page_size: 5 } });
  assert.equal(payments.length, 5);
  // A smaller change than the one refused may still fit, and then the store is well for a moment.
  const { status, dependencies } = await until('the alarm', async () => {
    await create();
    const state = await ready();
    return state.code === 503 && state;
  });
  assert.equal(status, 'not_ready');
  assert.equal(dependencies.store.status, 'down');
  assert.match(dependencies.store.reason, /florin\.db/);
  assert.match(dependencies.store.reason, /raise the limit|free some space/);
  assert.equal((await florin.get('health', '/health')).status, 200);
  await until('the log to say so', () => /cannot be written/.test(florin.log));
});

test('when there is room again the service goes on by itself', async () => {
  execFileSync('prlimit', ['--pid', String(florin.process.pid), '--fsize=unlimited:']);
  await until('a create', async () => !(await create()));
  await until('readiness', async () => (await ready()).code === 200);
  assert.equal((await authorize('after')).status, 200);
});

test('a restart finds everything that was acknowledged', async () => {
  await florin.kill();
  florin.command = [binary];
  await florin.run();
  for (const id of acknowledged) assert.equal(await florin.status(id), 'PAYMENT_STATUS_PENDING');
  for (const id of authorized) assert.equal((await ask('GET', `/payments/${id}?merchantId=shop-1`)).json.status, 'AUTHORIZED');
});
