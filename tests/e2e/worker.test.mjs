// The reservation worker against a queue and services of this process.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { root, until } from './florin.mjs';
import { Worker, inventory, outcome, queue, reservationApi, serve } from './reservations.mjs';

let sqs, api, seats, worker;
let answer = () => 200;

before(async () => {
  sqs = await queue();
  api = await reservationApi({ answer: (...call) => answer(...call) });
  seats = await inventory();
  worker = new Worker({
    AWS_ENDPOINT_URL: sqs.url, PAYMENT_WEBHOOK_QUEUE_URL: `${sqs.url}/1/orders`, PAYMENT_WEBHOOK_DLQ_URL: `${sqs.url}/1/orders-dlq`,
    RESERVATION_API_BASE: api.url, RESERVATION_API_TIMEOUT_MS: '300000', INVENTORY_GRPC_ADDR: seats.address, MAX_RETRIES: '3',
  });
  await worker.run();
});

after(async () => {
  assert.equal(await worker.stop(), 0, worker.log);
  seats.close();
  api.close();
  sqs.close();
});

const emptied = () => until('an empty queue', () => sqs.messages.size === 0);

test('a paid reservation is confirmed and its seats are sold', async () => {
  sqs.put(outcome('rsv-1', 'COMPLETED'));
  await emptied();
  const [patch] = api.patches.filter(({ id }) => id === 'rsv-1');
  assert.deepEqual([patch.status, api.patches.length], ['CONFIRMED', 1]);
  assert.deepEqual(seats.calls.map(({ method, id }) => [method, id]), [['commit', 'rsv-1']]);
  assert.deepEqual(seats.calls[0].seats, ['rsv-1-A', 'rsv-1-B']);
});

test('one that was not paid is cancelled and its seats are given back', async () => {
  sqs.put(outcome('rsv-2', 'FAILED'));
  await emptied();
  assert.equal(api.patches.find(({ id }) => id === 'rsv-2').status, 'CANCELLED');
  assert.equal(seats.calls.find(({ id }) => id === 'rsv-2').method, 'release');
});

test('a repeated message changes nothing', async () => {
  for (let i = 0; i < 5; ++i) sqs.put(outcome('rsv-3', 'COMPLETED'));
  await emptied();
  assert.equal(api.patches.filter(({ id }) => id === 'rsv-3').length, 1);
  assert.equal(seats.calls.filter(({ id }) => id === 'rsv-3').length, 1);
});

test('an API that answers 500 and then never is asked again until it answers', async () => {
  const failures = [500, null];
  answer = (method, id) => (id === 'rsv-4' && method === 'PATCH' && failures.length > 0 ? failures.shift() : 200);
  sqs.put(outcome('rsv-4', 'COMPLETED'));
  await until('the call that hangs', () => api.unanswered.size > 0);
  api.hangUp();
  await emptied();
  answer = () => 200;
  assert.equal(api.patches.filter(({ id }) => id === 'rsv-4').length, 1);
  assert.equal(sqs.dead.length, 0);
});

test('a conflict says that somebody was first', async () => {
  answer = (method, id) => (id === 'rsv-5' && method === 'PATCH' ? 409 : 200);
  sqs.put(outcome('rsv-5', 'COMPLETED'));
  await emptied();
  answer = () => 200;
  assert.equal(seats.calls.filter(({ id }) => id === 'rsv-5').length, 1);
});

test('what can never succeed is parked with its reason', async () => {
  sqs.put({ hello: 'world' });
  answer = (method, id) => (id === 'rsv-6' && method === 'PATCH' ? 422 : 200);
  sqs.put(outcome('rsv-6', 'COMPLETED'));
  await emptied();
  answer = () => 200;
  assert.deepEqual(sqs.dead.map(({ attributes }) => attributes.ErrorType.StringValue).sort(), ['MalformedMessage', 'ReservationApi']);
});

test('what fails at every attempt goes to the queue of dead letters', async () => {
  sqs.dead.length = 0;
  answer = (method, id) => (id === 'rsv-7' ? 503 : 200);
  sqs.put(outcome('rsv-7', 'FAILED'));
  await emptied();
  answer = () => 200;
  assert.equal(sqs.dead.length, 1);
  assert.equal(JSON.parse(sqs.dead[0].body).detail.reservation_id, 'rsv-7');
});

test('probes and metrics read as the contract says', async () => {
  assert.deepEqual(await worker.get('/health'), { status: 200, body: 'OK' });
  assert.deepEqual(await worker.get('/ready'), { status: 200, body: 'READY' });
  const { body } = await worker.get('/metrics');
  for (const name of ['worker_events_total', 'worker_latency_seconds_bucket', 'sqs_poll_errors_total', 'worker_active_goroutines', 'worker_processing_duration_seconds_bucket']) assert.match(body, new RegExp(`^${name}`, 'm'));
});

test('its gRPC port tells its health', async () => {
  const { grpc: { health } } = grpc.loadPackageDefinition(loader.loadSync('proto/grpc/health/v1/health.proto', { includeDirs: [root], enums: String }));
  const client = new health.v1.Health(`127.0.0.1:${worker.ports.grpc}`, grpc.credentials.createInsecure());
  const { status } = await new Promise((resolve, reject) => client.Check({ service: 'reservation-worker' }, (error, reply) => (error ? reject(error) : resolve(reply))));
  client.close();
  assert.equal(status, 'SERVING');
});

test('a queue that is away makes it not ready, until it is back', async () => {
  sqs.failWith(() => 500);
  await until('not ready', async () => (await worker.get('/ready')).status === 503);
  sqs.failWith(() => null);
  await until('ready', async () => (await worker.get('/ready')).status === 200);
});

test('a metadata service that never answers does not keep it from stopping in order', async (t) => {
  let asked = 0;
  const silent = await serve(() => { asked += 1; });
  t.after(silent.close);
  const own = new Worker({
    AWS_ENDPOINT_URL: sqs.url, PAYMENT_WEBHOOK_QUEUE_URL: `${sqs.url}/1/orders`, RESERVATION_API_BASE: api.url, INVENTORY_GRPC_ADDR: seats.address,
    AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_EC2_METADATA_SERVICE_ENDPOINT: silent.url, SHUTDOWN_TIMEOUT_MS: '100',
  });
  await own.run();
  await until('credentials to be asked for', () => asked > 0);
  assert.equal(await own.stop(), 0, own.log);
  assert.equal(own.process.signalCode, null);
});
