// The publisher against an event bus with every fault it may have: nothing is lost, and what is sent twice has the same id.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { Florin, binary, freePort, grpc, until } from './florin.mjs';
import { bus, credentialServer } from './aws.mjs';
import { serve } from './reservations.mjs';

let sink, florin;
let number = 0;
const keys = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test' };

before(async () => {
  sink = await bus();
  florin = await Florin.start(['--aws-events'], { AWS_ENDPOINT_URL: sink.url, ...keys, DEFAULT_DELAY_MS: '20' });
});

after(async () => {
  assert.equal(await florin?.stop(), 0, florin?.log);
  sink?.close();
});

beforeEach(() => {
  sink.rules.call = null;
  sink.rules.refuse = null;
});

/** A service and a bus of one test's own, which end with it whatever becomes of it. */
async function ownWorld(t, sink, environment) {
  const own = await Florin.start(['--aws-events'], { DEFAULT_DELAY_MS: '20', ...environment });
  t.after(async () => {
    const code = await own.stop();
    sink?.close();
    assert.equal(code, 0, own.log);
  });
  return own;
}

/** Makes payments and gives back their reservations, which the bus has to hear of. */
async function payments(count, fields = {}) {
  const ids = Array.from({ length: count }, () => `fault-${++number}`);
  await Promise.all(ids.map((reservation_id) => florin.create({ reservation_id, ...fields })));
  return ids;
}
const heard = (id) => sink.details.filter(({ reservation_id: told }) => told === id);
const allHeard = (ids) => until('every outcome on the bus', () => ids.every((id) => heard(id).length > 0));
const deadLetters = async () => (await florin.json('/api/dead-letters?group=event-bridge')).dead_letters;

test('every way in which a payment ends is told once', async () => {
  const ends = { APPROVE: 'COMPLETED', FAIL: 'FAILED' };
  for (const [scenario, status] of Object.entries(ends)) {
    const [id] = await payments(1, { scenario: `PAYMENT_SCENARIO_${scenario}` });
    await allHeard([id]);
    assert.deepEqual(heard(id).map((detail) => detail.status), [`PAYMENT_STATUS_${status}`]);
  }
  const cancelled = `fault-${++number}`;
  const { payment_intent_id: intent } = await florin.create({ reservation_id: cancelled, scenario: 'PAYMENT_SCENARIO_TIMEOUT' });
  await florin.call('CancelPayment', { payment_intent_id: intent });
  await allHeard([cancelled]);
  const [{ status, type, failure_reason: reason }] = heard(cancelled);
  assert.deepEqual([status, type, reason], ['PAYMENT_STATUS_CANCELLED', 'payment.failed', 'cancelled']);
});

test('a payment that expires is told too', async (t) => {
  const other = await bus();
  const short = await ownWorld(t, other, { ...keys, AWS_ENDPOINT_URL: other.url, INTENT_TTL_MS: '1000' });
  await short.create({ reservation_id: 'expiring', scenario: 'PAYMENT_SCENARIO_TIMEOUT' });
  const [detail] = await until('the outcome', () => other.details.length > 0 && other.details);
  assert.deepEqual([detail.status, detail.reservation_id, detail.failure_reason], ['PAYMENT_STATUS_EXPIRED', 'expiring', 'expired']);
});

test('a bus that throttles is left alone for a while and then gets everything', async () => {
  let throttled = 0;
  sink.rules.call = () => (++throttled <= 6 ? { status: 400, code: 'ThrottlingException' } : null);
  await allHeard(await payments(40));
  assert.deepEqual(await deadLetters(), []);
});

test('a bus that fails is asked again', async () => {
  let left = 3;
  sink.rules.call = () => (left-- > 0 ? { status: 503, code: 'ServiceUnavailable' } : null);
  const ids = await payments(20);
  await allHeard(ids);
});

test('half of every call failing delays only that half', async () => {
  const tries = new Map();
  sink.rules.refuse = (entry, detail) => {
    const before = tries.get(detail.notification_id) ?? 0;
    tries.set(detail.notification_id, before + 1);
    return Number(detail.reservation_id.split('-')[1]) % 2 === 0 && before < 2 ? 'InternalFailure' : null;
  };
  const ids = await payments(40);
  await allHeard(ids);
  for (const id of ids) assert.equal(sink.taken.get(heard(id)[0].notification_id), 1, 'what was taken is not sent again');
  assert.deepEqual(await deadLetters(), []);
});

test('an entry that is never taken becomes a dead letter, which can be driven again', async () => {
  sink.rules.refuse = (entry, detail) => (detail.reservation_id === 'fault-spoiled' ? 'MalformedDetail' : null);
  await florin.create({ reservation_id: 'fault-spoiled' });
  const [letter] = await until('the dead letter', async () => { const letters = await deadLetters(); return letters.length > 0 && letters; });
  assert.equal(letter.error_type, 'MalformedDetail');
  sink.rules.refuse = null;
  assert.equal((await florin.get('http', `/api/dead-letters/${letter.id}/redrive`, { method: 'POST' })).status, 200);
  assert.equal(heard('fault-spoiled').length, 1);
});

test('a clock that is wrong by an hour is corrected by the date of the answer', async () => {
  const ahead = 3_600_000;
  let skewed = 0;
  sink.rules.call = ({ signedAt }) => {
    const now = Date.now() + ahead;
    if (Math.abs(signedAt - now) < 300_000) return null;
    skewed += 1;
    return { status: 403, code: 'RequestTimeTooSkewed', headers: { Date: new Date(now).toUTCString() } };
  };
  await allHeard(await payments(30));
  assert.ok(skewed <= 8, `no more than the calls under way at once learn the time, not ${skewed}`);
  const before = skewed;
  await allHeard(await payments(30));
  assert.equal(skewed, before, 'the next calls know it');
  // Back to the clocks agreeing: that is learnt in the same way.
  sink.rules.call = ({ signedAt }) => (Math.abs(signedAt - Date.now()) < 300_000 ? null : { status: 403, code: 'RequestTimeTooSkewed', headers: { Date: new Date().toUTCString() } });
  await allHeard(await payments(10));
});

test('an endpoint that is away, then slow, gets everything in the end', async (t) => {
  const port = await freePort();
  const own = await ownWorld(t, null, { ...keys, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` });
  for (let i = 0; i < 50; ++i) await own.create({ reservation_id: `away-${i}` });
  await until('the endpoint to be missed', async () => /^florin_aws_calls_total\{result="unavailable",service="events"\} [1-9]/m.test((await own.get('health', '/metrics')).body));
  const told = new Set();
  const slow = await serve((request, response, body) => setTimeout(() => {
    const entries = JSON.parse(body).Entries.map(({ Detail }) => { told.add(JSON.parse(Detail).reservation_id); return { EventId: '1' }; });
    response.end(JSON.stringify({ FailedEntryCount: 0, Entries: entries }));
  }, 300), port);
  t.after(slow.close);
  await until('all of them', () => told.size === 50);
});

test('credentials that expire in mid-run are renewed and nothing is lost', async (t) => {
  const source = await credentialServer({ expiresInMs: 3_600_000 });
  let revoked = 0; // tokens up to this number are refused
  const strict = await bus({ call: ({ headers }) => (Number(headers['x-amz-security-token'].split('-')[1]) <= revoked ? { status: 400, code: 'ExpiredTokenException' } : null) });
  t.after(source.close);
  const own = await ownWorld(t, strict, { AWS_ENDPOINT_URL: strict.url, AWS_CONTAINER_CREDENTIALS_FULL_URI: source.url, AWS_SHARED_CREDENTIALS_FILE: '/nowhere', AWS_CONFIG_FILE: '/nowhere' });
  for (let round = 1; round <= 3; ++round) {
    for (let i = 0; i < 20; ++i) await own.create({ reservation_id: `expiring-${round}-${i}` });
    await until('this round', () => strict.details.filter(({ reservation_id: id }) => id.startsWith(`expiring-${round}-`)).length === 20);
    revoked = source.issued.length;
  }
  assert.ok(source.issued.length >= 3, `${source.issued.length} credentials were asked for`);
  assert.doesNotMatch(own.log, /token-\d|AKIDEXAMPLE/, 'and none is ever logged');
});

test('a bus that never answers does not keep the service from stopping in order', async (t) => {
  const silent = await bus({ call: () => 'silence' });
  t.after(silent.close);
  const own = await Florin.start(['--aws-events'], { ...keys, AWS_ENDPOINT_URL: silent.url, DEFAULT_DELAY_MS: '20', SHUTDOWN_TIMEOUT_MS: '200' });
  for (let i = 0; i < 30; ++i) await own.create({ reservation_id: `silence-${i}` });
  await until('a call to be under way', () => silent.calls() > 0);
  const code = await own.stop();
  assert.deepEqual([code, own.process.signalCode], [0, null], own.log);
  assert.match(own.log, /The event bus has not answered in time/);
});

test('an outcome carries the trace id of the call that made its payment', async () => {
  const metadata = new grpc.Metadata();
  metadata.set('x-correlation-id', 'trace-of-a-test');
  await florin.call('CreatePaymentIntent', { reservation_id: 'fault-traced', user_id: 'user-1', amount: { amount: 50_000, currency: 'KRW' }, scenario: 'PAYMENT_SCENARIO_APPROVE' }, metadata);
  await allHeard(['fault-traced']);
  const [detail] = heard('fault-traced');
  assert.equal(detail.trace_id, 'trace-of-a-test');
  assert.equal(Object.keys(detail).at(-1), 'trace_id', 'behind what was there before');
});

test('what other tools of AWS read from the environment may stand in .env.local', async (t) => {
  const other = await bus();
  const source = await credentialServer({ expiresInMs: 3_600_000 });
  t.after(source.close);
  t.after(other.close);
  const own = new Florin();
  fs.writeFileSync(path.join(own.folder, '.env.local'), `AWS_ENDPOINT_URL_EVENTBRIDGE=${other.url}\nAWS_CONTAINER_CREDENTIALS_FULL_URI=${source.url}\n`);
  own.command = [binary];
  own.ports = { grpc: await freePort(), http: await freePort(), health: await freePort() };
  own.flags = ['--aws-events'];
  own.environment = { DEFAULT_DELAY_MS: '20', AWS_SHARED_CREDENTIALS_FILE: '/nowhere', AWS_CONFIG_FILE: '/nowhere' };
  await own.run();
  await own.create({ reservation_id: 'from-a-file' });
  await until('the outcome', () => other.details.length > 0);
  assert.equal(source.issued.length, 1);
  assert.equal(await own.stop(), 0, own.log);
});
