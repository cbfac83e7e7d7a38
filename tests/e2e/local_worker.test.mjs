// The reservation worker inside the service, which takes outcomes from the log: with the service's own reservations, and
// with services of this process.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Florin, run, until } from './florin.mjs';
import { inventory, reservationApi } from './reservations.mjs';
import { Seats } from './seats.mjs';

const post = (florin, target, body = {}) => florin.get('http', target, { method: 'POST', body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } });

async function service(t, environment) {
  const florin = await Florin.start([], { DEFAULT_DELAY_MS: '20', BACKOFF_BASE_MS: '50', ...environment });
  t.after(async () => assert.equal(await florin.stop(), 0, florin.log));
  return florin;
}

test('with nothing configured, one process sells seats', async (t) => {
  const florin = await service(t);
  assert.ok((await post(florin, '/api/events', { id: 'concert', seats: 10 })).status < 300);
  let seat = 0;
  const hold = async () => {
    const { status, body } = await post(florin, '/api/reservations', { event_id: 'concert', seat_ids: [String(++seat)], user_id: 'user-1' });
    assert.ok(status < 300, body);
    return JSON.parse(body).reservation_id;
  };
  const statusOf = async (id) => (await florin.json(`/api/reservations/${id}`)).status;
  const becomes = (id, wanted) => until(`${id} to be ${wanted}`, async () => (await statusOf(id)) === wanted);

  const [paid, failed, cancelled, unpaid] = await Promise.all([hold(), hold(), hold(), hold()]);
  await florin.create({ reservation_id: paid });
  await florin.create({ reservation_id: failed, scenario: 'PAYMENT_SCENARIO_FAIL' });
  const { payment_intent_id: intent } = await florin.create({ reservation_id: cancelled, scenario: 'PAYMENT_SCENARIO_TIMEOUT' });
  await florin.call('CancelPayment', { payment_intent_id: intent });
  await florin.create({ reservation_id: 'of-another-system' });
  await becomes(paid, 'CONFIRMED');
  await becomes(failed, 'CANCELLED');
  await becomes(cancelled, 'CANCELLED');
  assert.equal(await statusOf(unpaid), 'HOLD');
  const { available, reserved, sold } = await florin.json('/api/events/concert');
  assert.deepEqual([available, reserved, sold], [8, 1, 1]);
  assert.deepEqual((await florin.json('/api/dead-letters')).dead_letters, [], 'payments for others are no dead letters');
});

test('a payment that expires takes its reservation with it', async (t) => {
  const florin = await service(t, { INTENT_TTL_MS: '1000' });
  const seats = new Seats(florin);
  await seats.makeEvent('concert', 10);
  const held = await seats.hold({ event_id: 'concert', quantity: 1 });
  await florin.create({ reservation_id: held.reservation_id, scenario: 'PAYMENT_SCENARIO_TIMEOUT' });
  await seats.becomes(held.reservation_id, 'EXPIRED');
  assert.deepEqual(await seats.counts('concert'), { available: 10, reserved: 0, sold: 0 });
});

test('it can be turned off', async (t) => {
  const florin = await service(t, { RESERVATION_WORKER: 'false' });
  await florin.create({});
  assert.doesNotMatch((await florin.get('health', '/metrics')).body, /group="reservation-worker"/);
});

let api, seats, florin;
let answer = () => 200;

before(async () => {
  api = await reservationApi({ answer: (...call) => answer(...call) });
  seats = await inventory();
  florin = await Florin.start([], {
    DEFAULT_DELAY_MS: '20', BACKOFF_BASE_MS: '50', MAX_RETRIES: '3', RESERVATION_API_BASE: api.url, INVENTORY_GRPC_ADDR: seats.address,
    RESERVATION_API_TIMEOUT_MS: '300000', INVENTORY_TIMEOUT_MS: '300000', // a call that is taken is never given up: its effect would come twice
  });
});

after(async () => {
  assert.equal(await florin?.stop(), 0, florin?.log);
  seats?.close();
  api?.close();
});

const patched = (id) => api.patches.filter((patch) => patch.id === id);

test('the services that are named are called instead', async () => {
  await florin.create({ reservation_id: 'named-1' });
  await until('the effect', () => seats.calls.some(({ id, method }) => id === 'named-1' && method === 'commit'));
  assert.deepEqual(patched('named-1').map(({ status }) => status), ['CONFIRMED']);
});

test('one reservation whose service never answers holds up no other', async () => {
  answer = (method, id) => (id === 'stuck' ? null : 200);
  await florin.create({ reservation_id: 'stuck' });
  const others = Array.from({ length: 30 }, (_, i) => `other-${i}`);
  for (const reservation_id of others) await florin.create({ reservation_id });
  await until('the others', () => others.every((id) => patched(id).length === 1));
  assert.deepEqual(patched('stuck'), []);
  answer = () => 200;
  api.hangUp();
  await until('the stuck one', () => patched('stuck').length === 1);
});

test('what fails at every attempt is a dead letter that can be driven again', async () => {
  answer = (method, id) => (id === 'failing' ? 503 : 200);
  await florin.create({ reservation_id: 'failing', scenario: 'PAYMENT_SCENARIO_FAIL' });
  const [letter] = await until('the dead letter', async () => {
    const { dead_letters: letters } = await florin.json('/api/dead-letters?group=reservation-worker');
    return letters.length > 0 && letters;
  });
  assert.deepEqual([letter.error_type, letter.attempts], ['ReservationApi', 3]);
  const dlq = (...args) => run(['dlq', ...args, '--url', `http://127.0.0.1:${florin.ports.http}`]);
  assert.match((await dlq('list')).out, /reservation-worker/);
  assert.notEqual((await dlq('redrive', letter.id)).code, 0, 'the service is still away');
  answer = () => 200;
  const redriven = await dlq('redrive', letter.id);
  assert.equal(redriven.code, 0, redriven.out + redriven.err);
  assert.deepEqual(patched('failing').map(({ status }) => status), ['CANCELLED']);
});

test('killed at any moment, it loses no outcome and repeats no effect under another key', async () => {
  const ids = Array.from({ length: 120 }, (_, i) => `killed-${i}`);
  for (let round = 0; round < 4; ++round) {
    const wanted = api.patches.length + 5 + 5 * round;
    await Promise.all(ids.slice(round * 30, round * 30 + 30).map((reservation_id) => florin.create({ reservation_id })));
    await until('some effects', () => api.patches.length >= wanted);
    await florin.kill();
    await florin.run();
  }
  await until('every effect', () => ids.every((id) => seats.calls.some((call) => call.id === id)));
  for (const id of ids) assert.equal(new Set(patched(id).map(({ status, key }) => `${status} ${key}`)).size, 1, id);
});
