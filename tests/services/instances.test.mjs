// Two API instances, two workers, two relays and a gateway over one MariaDB, Kafka and Redis. While merchants pay, one API
// instance, one worker and one relay are killed again and again; every answer, whichever instance gave it, must hold, and
// so must what is read from the topics. INSTANCES_SECONDS and KILL_EVERY_SECONDS make it longer: bench/instances.sh runs
// it for ten minutes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MerchantLoad } from '../crash/merchant_load.mjs';
import { merchants, random, reconcile, rowsOf, settings } from '../crash/reconcile.mjs';
import { Florin, receiver, run, until } from '../e2e/florin.mjs';
import { dailySalesAgree, everyEventIsPublished, paymentTopics } from './followers.mjs';
import { Kafka } from './kafka.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';
import { Redis, redisMissing } from './redis.mjs';
import { toolMissing } from './tools.mjs';

const seconds = Number(process.env.INSTANCES_SECONDS ?? 40);
const killEvery = Number(process.env.KILL_EVERY_SECONDS ?? 5);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const skip = mariadbMissing() || redisMissing() || toolMissing('kafka');

let mariadb, kafka, redis, tape, environment, gateway;
const apis = [];
const workers = [];
const relays = [];

const start = (role, more = {}) => Florin.start(['--role', role, '--log-level', 'warn'], { ...environment, ...more });

/** Sends each request to one of the instances that live. */
const spread = (next) => ({ ports: { get http() {
  const alive = apis.filter((api) => api.alive);
  return alive[Math.floor(next() * alive.length)].ports.http;
} } });

async function killAndStart(processes, next) {
  const one = processes[Math.floor(next() * processes.length)];
  one.alive = false;
  await one.kill();
  await new Promise((resolve) => setTimeout(resolve, 500 + next() * 2_500));
  await one.run();
  one.alive = true;
}

const stored = () => rowsOf(mariadb);

before(async () => {
  if (skip) return;
  [mariadb, kafka, redis] = await Promise.all([MariaDb.start(), Kafka.start(), Redis.start()]);
  await kafka.topics.create(paymentTopics);
  tape = kafka.topics.follow(paymentTopics);
  environment = {
    ...settings, DB_URL: mariadb.url, KAFKA_BOOTSTRAP_SERVERS: kafka.servers, EVENT_LOG: 'kafka', REDIS_URL: redis.url,
    // High enough to refuse nobody, so that Redis is asked each time.
    APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '1000000', APP_RATE_LIMIT_CAPTURE_CAPACITY: '1000000', APP_RATE_LIMIT_REFUND_CAPACITY: '1000000',
  };
  gateway = await start('gateway');
  environment.SIMULATOR_URL = `http://127.0.0.1:${gateway.ports.grpc}`;
  for (const [processes, role] of [[apis, 'api'], [workers, 'worker'], [relays, 'relay'], [apis, 'api'], [workers, 'worker'], [relays, 'relay']]) {
    const process = await start(role);
    process.alive = true;
    processes.push(process);
  }
});

after(async () => {
  for (const florin of [...apis, ...workers, ...relays, gateway].filter(Boolean)) await florin.stop();
  for (const server of [mariadb, kafka, redis]) await server?.stop();
});

test(`instances killed every ${killEvery} s for ${seconds} s lose nothing and do nothing twice (CRASH_SEED=${seed})`, { skip, timeout: (seconds + 1_200) * 1_000 }, async () => {
  const next = random(seed);
  const load = new MerchantLoad(spread(next), merchants, next);
  let kills = 0;
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; ++kills) {
    const moment = Date.now() + killEvery * 1_000;
    await until('the moment to kill', () => load.failed || Date.now() >= moment, (killEvery + 60) * 1_000);
    if (load.failed) throw load.failed;
    await Promise.all([apis, workers, relays].map((processes) => killAndStart(processes, next)));
  }
  await load.end();
  await until('the recovery to end', async () => (await stored()).payments.every(([, , due]) => due === null), 300_000);
  await load.checkAll();
  const rows = await stored();
  reconcile(load, rows);
  const verified = await run(['ledger', 'verify'], { env: environment });
  assert.equal(verified.code, 0, verified.out + verified.err);
  await everyEventIsPublished(load, rows, tape);
  await dailySalesAgree(load, apis[0]);
  console.log(`${load.payments.length} payments and ${load.answers.length} answers reconciled after ${kills} kills of each, ${tape.messages.length} messages for ${rows.events.length} events: ${JSON.stringify(load.counts)}`);
  assert.ok(load.counts.broken > 0, 'no kill met a request under way');
});

test('webhooks of one receiver are sent by one worker, and by the other when that one is killed', { skip, timeout: 600_000 }, async () => {
  const shop = await receiver();
  const ids = [];
  const create = async (count) => {
    for (let i = 0; i < count; ++i) ids.push((await gateway.create({ webhook_url: shop.url })).payment_intent_id);
  };
  // Also written down: what was sent and not yet written down when a worker is killed comes again.
  const told = () => new Set(shop.webhooks.map(({ json }) => json.payment_id)).size;
  const sent = async () => told() === ids.length && await mariadb.value('SELECT count(*) FROM webhook_delivery WHERE state = 0') === '0';
  await create(50);
  await until('the first fifty', sent, 120_000);
  // A worker that a busy machine has kept from renewing a lease is taken for dead, too.
  const lost = async () => (await Promise.all(workers.map((worker) => worker.metric('florin_leases_lost_total')))).reduce((sum, count) => sum + count);
  let lostLeases = await lost();
  for (const worker of workers) {
    lostLeases += await lost();
    await worker.kill();
    await create(50);
    await until('those of the worker that lives', sent, 120_000);
    await worker.run();
  }
  lostLeases += await lost();
  if (lostLeases === 0) assert.equal(shop.webhooks.length, ids.length, 'each was sent once');
  assert.equal(new Set(shop.webhooks.map(({ headers }) => headers['x-webhook-id'])).size, ids.length, 'each under one id');
  shop.close();
});
