// One Florin over MariaDB, Kafka and Redis, each in a network of its own. While merchants pay, servers are killed,
// paused, restarted and cut off at random moments. Every answer must hold afterwards, every event must be on its topic,
// and what a group reads from there must have its effect once. FAULT_ROUNDS makes it longer.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MerchantLoad } from '../crash/merchant_load.mjs';
import { merchants, random, reconcile, rowsOf, settings } from '../crash/reconcile.mjs';
import { Florin, run, until } from '../e2e/florin.mjs';
import { dailySalesAgree, everyEventIsPublished, paymentTopics } from './followers.mjs';
import { Kafka } from './kafka.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';
import { openNetwork } from './partition.mjs';
import { Redis, redisMissing } from './redis.mjs';
import { toolMissing } from './tools.mjs';

const rounds = Number(process.env.FAULT_ROUNDS ?? 1);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What befalls a server until `over` returns. */
const faults = {
  killed: async (server, over) => { await server.kill(); await over(); await server.run(); },
  paused: async (server, over) => { server.pause(); await over(); server.resume(); },
  restarted: async (server, over) => { await server.halt(); await over(); await server.run(); },
  'cut off': async (server, over) => { await server.network.cut(); await over(); await server.network.heal(); },
};

describe('servers that fail under load', { skip: mariadbMissing() || redisMissing() || toolMissing('kafka') }, () => {
  const servers = {};
  const next = random(seed);
  let florin, tape;

  before(async () => {
    for (const [name, kind] of Object.entries({ mariadb: MariaDb, kafka: Kafka, redis: Redis }))
      servers[name] = await kind.start({ network: await openNetwork() });
    await servers.kafka.topics.create(paymentTopics);
    tape = servers.kafka.topics.follow(paymentTopics);
    florin = await Florin.start(['--log-level', 'error'], {
      ...settings, DB_URL: `${servers.mariadb.url}?tls=off`, REDIS_URL: servers.redis.url, KAFKA_BOOTSTRAP_SERVERS: servers.kafka.servers, EVENT_LOG: 'kafka',
      // High enough to refuse nobody, so that Redis is asked each time.
      APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '1000000', APP_RATE_LIMIT_CAPTURE_CAPACITY: '1000000', APP_RATE_LIMIT_REFUND_CAPACITY: '1000000',
    });
  });

  after(async () => {
    await florin?.stop();
    for (const server of Object.values(servers)) {
      await server.stop();
      await server.network.close();
    }
  });

  const stored = () => rowsOf(servers.mariadb);

  test(`they cost no payment and no event (CRASH_SEED=${seed})`, { timeout: 900_000 + rounds * 300_000 }, async () => {
    const load = new MerchantLoad(florin, merchants, next);
    const plan = [];
    for (let round = 0; round < rounds; ++round)
      for (const server of Object.keys(servers)) for (const fault of Object.keys(faults)) plan.push([next(), server, fault]);
    for (const [, server, fault] of plan.sort(([a], [b]) => a - b)) {
      await pause(300 + next() * 500);
      const ms = 700 + next() * 1_500;
      await faults[fault](servers[server], async () => {
        const before = load.answers.length;
        await pause(ms);
        if (server !== 'mariadb') await until(`answers while ${server} is ${fault}`, () => load.failed || load.answers.length > before);
      });
      if (load.failed) throw load.failed;
      const before = load.answers.length;
      await until(`answers after ${server} was ${fault}`, () => load.failed || load.answers.length > before + 20, 180_000);
    }
    await load.end();
    await until('the recovery to end', async () => (await stored()).payments.every(([, , due]) => due === null), 300_000);
    await load.checkAll();
    const rows = await stored();
    reconcile(load, rows);
    const verified = await run(['ledger', 'verify'], { env: { DB_URL: `${servers.mariadb.url}?tls=off` } });
    assert.equal(verified.code, 0, verified.out + verified.err);
    await everyEventIsPublished(load, rows, tape);
    await dailySalesAgree(load, florin);
    console.log(`${plan.length} faults, ${load.answers.length} answers, ${tape.messages.length} messages for ${rows.events.length} events: ${JSON.stringify(load.counts)}`);
  });
});
