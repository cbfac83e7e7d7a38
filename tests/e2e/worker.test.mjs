// The reservation worker against a queue and services of this process.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { root, run, until } from './florin.mjs';
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

/** What the worker has logged about a message so far. */
const logged = (msg, from = worker) => from.log.split('\n').filter((line) => line.startsWith('{') && line.endsWith('}') && line.includes(`"${msg}"`)).map((line) => JSON.parse(line));

test('each attempt is logged with its number and the trace of its payment', async () => {
  const failures = [503, 500];
  answer = (method, id) => (id === 'rsv-8' && failures.length > 0 ? failures.shift() : 200);
  const news = outcome('rsv-8', 'COMPLETED');
  news.detail.trace_id = 'trace-8';
  sqs.put(news);
  await emptied();
  const told = (msg) => logged(msg).filter(({ reservation_id: id }) => id === 'rsv-8').map(({ attempt, trace_id: trace }) => [attempt, trace]);
  await until('its lines', () => told('A reservation event was handled').length > 0);
  assert.deepEqual(told('A reservation event has to wait'), [[1, 'trace-8'], [2, 'trace-8']]);
  assert.deepEqual(told('A reservation event was handled'), [[3, 'trace-8']]);
});

test('a queue of dead letters that takes nothing is complained about, and nothing is called parked', async () => {
  const parked = () => logged('A message has been parked').length;
  const before = parked();
  sqs.dead.length = 0;
  sqs.failWith((action) => (action === 'SendMessage' ? 500 : null));
  sqs.put({ hello: 'nobody' });
  await until('the complaint', () => logged('A message cannot be parked; it will come again').length > 0);
  assert.deepEqual([parked(), sqs.messages.size], [before, 1]);
  sqs.failWith((action) => (action === 'DeleteMessage' ? 500 : null));
  await until('the other complaint', () => logged('A parked message cannot be deleted; it will come and be parked once more').length > 0);
  assert.equal(sqs.dead.length, 1);
  sqs.failWith(() => null);
  for (const message of sqs.messages.values()) message.visibleAt = 0; // as after its visibility
  await emptied();
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

test('its gRPC port tells what it serves', async () => {
  const { grpc: { reflection } } = grpc.loadPackageDefinition(loader.loadSync('proto/grpc/reflection/v1/reflection.proto', { includeDirs: [root], keepCase: true }));
  const client = new reflection.v1.ServerReflection(`127.0.0.1:${worker.ports.grpc}`, grpc.credentials.createInsecure());
  const stream = client.ServerReflectionInfo();
  const answered = new Promise((resolve, reject) => { stream.on('data', resolve).on('error', reject); });
  stream.write({ list_services: '' });
  const { list_services_response: { service } } = await answered;
  const ended = new Promise((resolve) => { stream.on('end', resolve); });
  stream.end();
  await ended;
  client.close();
  const names = service.map(({ name }) => name);
  for (const name of ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection']) assert.ok(names.includes(name), names.join());
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

/** A worker of its own, over a queue and an API of its own; ends with the test. */
async function another(context, rules, environment) {
  const mine = { sqs: await queue(), api: await reservationApi(rules), seats: await inventory() };
  mine.worker = new Worker({ AWS_ENDPOINT_URL: mine.sqs.url, PAYMENT_WEBHOOK_QUEUE_URL: `${mine.sqs.url}/1/orders`, RESERVATION_API_BASE: mine.api.url, RESERVATION_API_TIMEOUT_MS: '300000', INVENTORY_GRPC_ADDR: mine.seats.address, ...environment });
  context.after(async () => {
    await mine.worker.stop();
    for (const one of [mine.seats, mine.api, mine.sqs]) one.close();
  });
  return mine;
}

test('without a queue for them, dead letters are kept, counted and driven again by the operator', async (context) => {
  let refuses = true;
  const { sqs: own, api: named, seats: sold, worker: keeper } = await another(context, { answer: (method) => (refuses && method === 'PATCH' ? 422 : 200) }, { ADMIN_TOKEN: 'operator' });
  own.put({ hello: 'world' });
  own.put(outcome('kept-1', 'COMPLETED'));
  await keeper.run();
  await until('an empty queue', () => own.messages.size === 0);
  assert.equal((await keeper.get('/api/dead-letters')).status, 401);
  const dlq = (...args) => run(['dlq', ...args, '--url', `http://127.0.0.1:${keeper.ports.http}`, '--admin-token', 'operator']);
  const waiting = (count) => until(`${count} in the metrics`, async () => (await keeper.get('/metrics')).body.includes(`florin_dead_letters{group="reservation-worker"} ${count}\n`));
  await waiting(2);
  const letters = JSON.parse((await dlq('list', '--json')).out).dead_letters;
  const [letter] = letters.filter(({ error_type: type }) => type === 'ReservationApi');
  assert.deepEqual([letters.length, letter.group, letter.topic], [2, 'reservation-worker', 'sqs']);
  assert.match((await dlq('show', letter.id)).out, /kept-1/);
  const refused = await dlq('redrive', letter.id);
  assert.equal(refused.code, 1);
  assert.match(refused.out, /FAILED: .*422/);
  refuses = false;
  assert.match((await dlq('redrive', '--all', '--group', 'reservation-worker')).out, /1 done, 1 failed/);
  assert.deepEqual(named.patches.map(({ id, status }) => [id, status]), [['kept-1', 'CONFIRMED']]);
  assert.deepEqual(sold.calls.map(({ method, id }) => [method, id]), [['commit', 'kept-1']]);
  await waiting(1);
  const [hopeless] = letters.filter(({ error_type: type }) => type === 'MalformedMessage');
  assert.equal((await dlq('discard', hopeless.id)).code, 0);
  await waiting(0);
  assert.match((await dlq('list')).out, /nothing waits for you/);
});

test('in production its dead letters are closed without a token', async (context) => {
  const { worker: strict } = await another(context, {}, { ENVIRONMENT: 'production', WEBHOOK_SECRET: undefined });
  await strict.run();
  assert.equal((await strict.get('/api/dead-letters')).status, 403);
});

test('told to stop, it finishes what is under way and gives back what waits', async (context) => {
  let begun = 0;
  let goOn;
  const held = new Promise((resolve) => { goOn = () => resolve(200); });
  const { sqs: own, api: named, seats: sold, worker: leaving } = await another(context, { answer: () => { begun += 1; return held; } }, { WORKER_CONCURRENCY: '2' });
  for (let i = 0; i < 6; ++i) own.put(outcome(`left-${i}`, 'COMPLETED'));
  await leaving.run();
  await until('two that are handled', () => begun === 2);
  leaving.process.kill('SIGTERM');
  const visible = () => [...own.messages.values()].filter(({ visibleAt }) => visibleAt <= Date.now()).length;
  await until('four that are given back', () => visible() === 4);
  assert.ok(leaving.runs, 'two are under way');
  goOn();
  await leaving.exited;
  assert.equal(leaving.process.exitCode, 0, leaving.log);
  assert.deepEqual([own.messages.size, visible()], [4, 4]);
  assert.deepEqual([named.patches.length, sold.calls.length], [2, 2]);
});

test('a call that never ends is given up at its deadline and made again', async (context) => {
  let calls = 0;
  const { sqs: own, api: silent, worker: patient } = await another(context, { answer: (method) => (method === 'PATCH' && ++calls === 1 ? null : 200) }, { RESERVATION_API_TIMEOUT_MS: '500' });
  own.put(outcome('late-1', 'COMPLETED'));
  await patient.run();
  await until('an empty queue', () => own.messages.size === 0);
  const [waited] = logged('A reservation event has to wait', patient);
  assert.deepEqual([waited.reservation_id, waited.attempt, silent.unanswered.size], ['late-1', 1, 1]);
  assert.equal(new Set(silent.patches.map(({ id, status, key }) => `${id} ${status} ${key}`)).size, 1);
});
