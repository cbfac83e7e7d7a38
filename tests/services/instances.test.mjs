// Two API instances, two workers and a gateway over one MariaDB. While merchants pay, one API instance and one worker are
// killed again and again; every answer, whichever instance gave it, must hold. INSTANCES_SECONDS and KILL_EVERY_SECONDS
// make it longer: bench/instances.sh runs it for ten minutes.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MerchantLoad } from '../crash/merchant_load.mjs';
import { merchants, random, reconcile, rowsOf, settings } from '../crash/reconcile.mjs';
import { Florin, receiver, run, until } from '../e2e/florin.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';

const seconds = Number(process.env.INSTANCES_SECONDS ?? 40);
const killEvery = Number(process.env.KILL_EVERY_SECONDS ?? 5);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const skip = mariadbMissing();

let mariadb, environment, gateway;
const apis = [];
const workers = [];

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
  mariadb = await MariaDb.start();
  environment = { ...settings, DB_URL: mariadb.url };
  gateway = await start('gateway');
  environment.SIMULATOR_URL = `http://127.0.0.1:${gateway.ports.grpc}`;
  for (const [processes, role] of [[apis, 'api'], [workers, 'worker'], [apis, 'api'], [workers, 'worker']]) {
    const process = await start(role);
    process.alive = true;
    processes.push(process);
  }
});

after(async () => {
  for (const florin of [...apis, ...workers, gateway].filter(Boolean)) await florin.stop();
  await mariadb?.stop();
});

test(`instances killed every ${killEvery} s for ${seconds} s lose nothing and do nothing twice (CRASH_SEED=${seed})`, { skip, timeout: (seconds + 1_200) * 1_000 }, async () => {
  const next = random(seed);
  const load = new MerchantLoad(spread(next), merchants, next);
  let kills = 0;
  for (const end = Date.now() + seconds * 1_000; Date.now() < end; ++kills) {
    const moment = Date.now() + killEvery * 1_000;
    await until('the moment to kill', () => load.failed || Date.now() >= moment, (killEvery + 60) * 1_000);
    if (load.failed) throw load.failed;
    await Promise.all([killAndStart(apis, next), killAndStart(workers, next)]);
  }
  await load.end();
  await until('the recovery to end', async () => (await stored()).payments.every(([, , due]) => due === null), 300_000);
  await load.checkAll();
  reconcile(load, await stored());
  const verified = await run(['ledger', 'verify'], { env: environment });
  assert.equal(verified.code, 0, verified.out + verified.err);
  console.log(`${load.payments.length} payments and ${load.answers.length} answers reconciled after ${kills} kills of each: ${JSON.stringify(load.counts)}`);
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
