// Reservations of seats: held over HTTP, paid at the simulator, confirmed or given back by the worker, which is in the
// same process, or one of its own behind a queue.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { Florin, root, run, until } from './florin.mjs';
import { Worker, outcome, queue } from './reservations.mjs';
import { Seats } from './seats.mjs';

const token = 'e2e-admin-token';
let florin, seats;
before(async () => {
  florin = await Florin.start([], { DEFAULT_DELAY_MS: '50' });
  seats = new Seats(florin);
});
after(async () => { assert.equal(await florin.stop(), 0, florin.log); });

test('a payment confirms its reservation', async () => {
  await seats.makeEvent('paid', 10);
  const held = await seats.hold({ event_id: 'paid', seat_ids: ['1', '2'] });
  const { payment_intent_id: payment } = await florin.create({ reservation_id: held.reservation_id });
  const confirmed = await seats.becomes(held.reservation_id, 'CONFIRMED');
  await until('the payment to be noted', async () => (await seats.get(held.reservation_id)).payment_intent_id === payment);
  assert.equal(confirmed.order_id, held.reservation_id.replace('rsv-', 'ord-'));
  assert.deepEqual(await seats.counts('paid'), { available: 8, reserved: 0, sold: 2 });
});

test('one whose payment fails is cancelled, and its seats are given back', async () => {
  await seats.makeEvent('declined', 10);
  const held = await seats.hold({ event_id: 'declined', quantity: 3 });
  await florin.create({ reservation_id: held.reservation_id, scenario: 'PAYMENT_SCENARIO_FAIL' });
  await seats.becomes(held.reservation_id, 'CANCELLED');
  assert.deepEqual(await seats.counts('declined'), { available: 10, reserved: 0, sold: 0 });
});

test('one that nobody pays for expires', async () => {
  await seats.makeEvent('forgotten', 10);
  const kept = await seats.hold({ event_id: 'forgotten', quantity: 2 });
  assert.deepEqual(await seats.counts('forgotten'), { available: 8, reserved: 2, sold: 0 });
  const held = await seats.hold({ event_id: 'forgotten', quantity: 1, expires_in_seconds: 1 });
  await seats.becomes(held.reservation_id, 'EXPIRED');
  assert.deepEqual(await seats.counts('forgotten'), { available: 8, reserved: 2, sold: 0 });
  assert.equal((await seats.get(kept.reservation_id)).status, 'HOLD');
});

test('a payment that comes too late, and one for a reservation that is paid, wait for a person', async () => {
  await seats.makeEvent('late', 10);
  const expired = await seats.hold({ event_id: 'late', quantity: 1, expires_in_seconds: 1 });
  await seats.becomes(expired.reservation_id, 'EXPIRED');
  const paid = await seats.hold({ event_id: 'late', quantity: 1 });
  await florin.create({ reservation_id: paid.reservation_id });
  await until('the payment to be noted', async () => (await seats.get(paid.reservation_id)).payment_intent_id);
  await florin.create({ reservation_id: expired.reservation_id });
  await florin.create({ reservation_id: paid.reservation_id });
  const { dead_letters: letters } = await until('two dead letters', async () => {
    const page = await florin.json('/api/dead-letters?group=reservation-worker');
    return page.dead_letters.length === 2 && page;
  });
  const reasons = letters.map(({ error_message: reason }) => reason).sort();
  assert.match(reasons[0], /has expired/);
  assert.match(reasons[1], /another payment/);
  assert.deepEqual(await seats.counts('late'), { available: 9, reserved: 0, sold: 1 });
});

test('payments for other things are nobody\'s business', async () => {
  const { payment_intent_id: id } = await florin.create({ reservation_id: 'order-1' });
  await until('the outcome', async () => (await florin.status(id)) === 'PAYMENT_STATUS_COMPLETED');
  await seats.makeEvent('other', 1);
  const held = await seats.hold({ event_id: 'other', quantity: 1 });
  await florin.create({ reservation_id: held.reservation_id });
  await seats.becomes(held.reservation_id, 'CONFIRMED'); // what came before it has been dealt with
  assert.equal((await florin.json('/api/dead-letters?group=reservation-worker')).dead_letters.length, 2);
});

test('many buyers of few seats get each seat once', async () => {
  await seats.makeEvent('rush', 20);
  const answers = await Promise.all(Array.from({ length: 60 }, () => seats.tryHold({ event_id: 'rush', quantity: 1 })));
  const held = answers.filter(({ status }) => status === 201).map(({ json }) => json);
  assert.equal(held.length, 20);
  assert.equal(new Set(held.flatMap(({ seat_ids: ids }) => ids)).size, 20);
  assert.ok(answers.every(({ status }) => status === 201 || status === 409));
  await Promise.all(held.map(({ reservation_id: id }) => florin.create({ reservation_id: id })));
  for (const { reservation_id: id } of held) await seats.becomes(id, 'CONFIRMED');
  assert.deepEqual(await seats.counts('rush'), { available: 0, reserved: 0, sold: 20 });
});

test('a worker of its own behind a queue calls the same service, with its token', async () => {
  const sqs = await queue();
  const guarded = await Florin.start([], { ADMIN_TOKEN: token, RESERVATION_WORKER: 'false' });
  const behind = new Seats(guarded, token);
  const worker = new Worker({
    AWS_ENDPOINT_URL: sqs.url, PAYMENT_WEBHOOK_QUEUE_URL: `${sqs.url}/1/orders`, RESERVATION_API_TOKEN: token,
    RESERVATION_API_BASE: `http://127.0.0.1:${guarded.ports.http}`, INVENTORY_GRPC_ADDR: `127.0.0.1:${guarded.ports.grpc}`,
  });
  await worker.run();
  try {
    await behind.makeEvent('queued', 4);
    const paid = await behind.hold({ event_id: 'queued', seat_ids: ['1', '2'] });
    const declined = await behind.hold({ event_id: 'queued', seat_ids: ['3'] });
    for (let i = 0; i < 3; ++i) sqs.put(outcome(paid.reservation_id, 'COMPLETED'));
    sqs.put(outcome(declined.reservation_id, 'FAILED'));
    await behind.becomes(paid.reservation_id, 'CONFIRMED');
    await behind.becomes(declined.reservation_id, 'CANCELLED');
    await until('an empty queue', () => sqs.messages.size === 0);
    assert.equal((await behind.get(paid.reservation_id)).payment_intent_id, `pay-${paid.reservation_id}`);
    assert.deepEqual(await behind.counts('queued'), { available: 2, reserved: 0, sold: 2 });
    assert.equal((await guarded.get('http', '/api/reservations')).status, 401);
  } finally {
    await worker.stop();
    await guarded.stop();
    sqs.close();
  }
});

test('the inventory answers gRPC clients', async () => {
  const { reservation } = grpc.loadPackageDefinition(loader.loadSync('proto/reservation/v1/inventory.proto', { includeDirs: [root], keepCase: true, longs: Number, enums: String, defaults: true }));
  const client = new reservation.v1.InventoryService(`127.0.0.1:${florin.ports.grpc}`, grpc.credentials.createInsecure());
  const call = (method, request) => new Promise((resolve, reject) => client[method](request, (error, answer) => (error ? reject(error) : resolve(answer))));
  await seats.makeEvent('inventory', 2);
  const held = await seats.hold({ event_id: 'inventory', seat_ids: ['1'] });
  const sold = await call('CommitReservation', { reservation_id: held.reservation_id, payment_intent_id: 'pay-1' });
  assert.deepEqual([sold.status, sold.sold_seats.map(({ id, status }) => `${id} ${status}`)], ['COMMIT_STATUS_SUCCESS', ['1 SEAT_STATUS_SOLD']]);
  assert.equal((await call('ReleaseHold', { reservation_id: held.reservation_id })).status, 'RELEASE_STATUS_NOT_FOUND');
  await assert.rejects(call('CommitReservation', { reservation_id: 'rsv-1' }), { code: grpc.status.NOT_FOUND });
  client.close();
});

test('the demo shows all of it on a server of its own, and on one that runs', async () => {
  const own = await run(['demo', 'reservation', '--delay-ms', '20']);
  assert.equal(own.code, 0, own.out + own.err);
  for (const step of ['HOLD', 'CONFIRMED', 'CANCELLED', 'EXPIRED', '8 available, 0 reserved, 2 sold']) assert.ok(own.out.includes(step), own.out);
  const here = await run(['demo', 'reservation', '--url', `http://127.0.0.1:${florin.ports.http}`, '--target', `127.0.0.1:${florin.ports.grpc}`, '--delay-ms', '20']);
  assert.equal(here.code, 0, here.out + here.err);
});

test('the demo fails where a step does not come about', async () => {
  const alone = await Florin.start([], { RESERVATION_WORKER: 'false' });
  try {
    const { code, out, err } = await run(['demo', 'reservation', '--url', `http://127.0.0.1:${alone.ports.http}`, '--target', `127.0.0.1:${alone.ports.grpc}`, '--delay-ms', '20', '--timeout', '1']);
    assert.equal(code, 1, out + err);
    assert.match(err, /is HOLD and not CONFIRMED; the reservation worker may not run here/);
  } finally {
    await alone.stop();
  }
});
