// The same scenarios over every combination of {SQLite, MariaDB} x {the own log, Kafka} x {memory, Redis}: what clients,
// consumers and operators see is the same. Servers are started once; each combination has a database, a topic and a
// database of Redis of its own.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../e2e/florin.mjs';
import { inventory, reservationApi } from '../e2e/reservations.mjs';
import { Combination, rateLimit } from './combination.mjs';
import { Kafka } from './kafka.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';
import { Redis, redisMissing } from './redis.mjs';
import { toolMissing } from './tools.mjs';

const combinations = [false, true].flatMap((mariadb) => [false, true].flatMap((kafka) => [false, true].map((redis) => ({ mariadb, kafka, redis }))));
const titleOf = ({ mariadb, kafka, redis }) => `${mariadb ? 'MariaDB' : 'SQLite'}, ${kafka ? 'Kafka' : 'the own log'}, ${redis ? 'Redis' : 'memory'}`;

const away = new Set(); // reservations whose service is away
let servers, services;

function refused(answer, status, code) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.code, code);
}

async function captured(world, merchant) {
  const { json, status, text } = await world.authorize(merchant);
  assert.equal(status, 200, text);
  assert.equal((await world.change('capture', json)).status, 200);
  return json;
}

const scenarios = {
  'what it stands on is up': async (world, { kafka, redis }) => {
    const wanted = ['store', ...(kafka ? ['kafka'] : []), ...(redis ? ['redis'] : [])];
    await until('its dependencies', async () => {
      const { dependencies } = JSON.parse((await world.florin.get('health', '/ready')).body);
      assert.deepEqual(Object.keys(dependencies).sort(), [...wanted].sort());
      return wanted.every((name) => dependencies[name].status === 'up');
    });
  },

  'a request that is repeated has its first answer, word for word, and its effect once': async (world) => {
    const key = world.fresh('payment');
    const first = await world.authorize('shop-once', { key });
    assert.equal(first.status, 200, first.text);
    for (const [operation, fields] of [['capture', {}], ['refund', { amount: 4_000 }]]) {
      const request = { ...fields, idempotencyKey: world.fresh(operation) };
      const done = await world.change(operation, first.json, request);
      const again = await world.change(operation, first.json, request);
      assert.deepEqual([again.status, again.text, done.replayed, again.replayed], [200, done.text, false, true]);
      refused(await world.change(operation, first.json, { ...request, amount: 3_999 }), 422, 'IDEMPOTENCY_KEY_REUSED');
    }
    const again = await world.authorize('shop-once', { key });
    assert.deepEqual([again.text, again.replayed], [first.text, true]);
    refused(await world.authorize('shop-once', { key, amount: 10_001 }), 422, 'IDEMPOTENCY_KEY_REUSED');
    refused(await world.change('void', first.json), 409, 'VOID_CONFLICT');
    const { capturedAmount, refundedAmount } = await world.show(first.json);
    assert.deepEqual([capturedAmount, refundedAmount], [10_000, 4_000]);
  },

  'twins that come at once get one payment': async (world) => {
    const key = world.fresh('twin');
    const answers = await Promise.all(Array.from({ length: 4 }, () => world.authorize('shop-twins', { key })));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200]);
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    assert.equal((await world.florin.json('/payments?merchantId=shop-twins')).payments.length, 1);
  },

  'a merchant is let through as often as allowed; replays do not count and go on': async (world) => {
    const key = world.fresh('limited');
    const first = await world.authorize('shop-limited', { key });
    for (let i = 0; i < rateLimit; ++i) assert.equal((await world.authorize('shop-limited', { key })).text, first.text);
    for (let i = 1; i < rateLimit; ++i) assert.equal((await world.authorize('shop-limited')).status, 200);
    const over = await world.authorize('shop-limited');
    refused(over, 429, 'RATE_LIMIT_EXCEEDED');
    assert.ok(Number(over.headers['retry-after']) > 0);
    assert.equal((await world.authorize('shop-limited', { key })).text, first.text);
    assert.equal((await world.authorize('shop-of-others')).status, 200);
  },

  'events come in the order of each payment, each once, and are counted once': async (world) => {
    const payments = await Promise.all(['shop-a', 'shop-a', 'shop-b'].map((merchant) => captured(world, merchant)));
    for (const amount of [1_000, 2_000]) await Promise.all(payments.map((payment) => world.change('refund', payment, { amount })));
    const voided = (await world.authorize('shop-b')).json;
    assert.equal((await world.change('void', voided)).status, 200);
    await until('the last event', async () => (await world.told(voided)).length === 2);
    const story = ['payment.authorized', 'payment.captured', 'payment.refunded', 'payment.refunded'];
    for (const payment of payments) {
      await until('its events', async () => (await world.told(payment)).length >= story.length);
      assert.deepEqual(await world.told(payment), story);
    }
    assert.deepEqual(await world.told(voided), ['payment.authorized', 'payment.voided']);
    await world.salesBecome('shop-a', { captures: 2, refunds: 4, net: 14_000 });
    await world.salesBecome('shop-b', { captures: 1, refunds: 2, net: 7_000 });
  },

  'a poisoned event waits for a person and holds up nothing': async (world) => {
    await world.poison();
    await captured(world, 'shop-behind-poison');
    await world.salesBecome('shop-behind-poison', { captures: 1, refunds: 0, net: 10_000 });
    const letter = await world.letter('daily-sales');
    assert.deepEqual([letter.key, letter.topic, letter.error_type, letter.attempts], ['poison', 'payment.captured', 'MalformedMessage', 1]);
    assert.equal((await world.resolve(letter, 'redrive')).status, 409, 'poison stays poison');
    assert.equal((await world.resolve(letter, 'discard')).status, 200);
    assert.deepEqual((await world.florin.json('/api/dead-letters?group=daily-sales')).dead_letters, []);
  },

  'what a consumer could not do is done once when it is driven again': async (world) => {
    const reservation = world.fresh('reservation');
    const effects = () => services.api.patches.filter(({ id }) => id === reservation).map(({ status }) => status);
    away.add(reservation);
    await world.florin.create({ reservation_id: reservation });
    const letter = await world.letter('reservation-worker');
    assert.notEqual((await world.resolve(letter, 'redrive')).status, 200, 'its service is still away');
    away.delete(reservation);
    const again = await world.resolve(letter, 'redrive');
    assert.equal(again.status, 200, again.text);
    assert.deepEqual(effects(), ['CONFIRMED']);
    assert.notEqual((await world.resolve(letter, 'redrive')).status, 200, 'it is done');
    assert.deepEqual(effects(), ['CONFIRMED']);
  },

  'killed and started again, it stands by what it said and does the rest once': async (world) => {
    const merchants = Array.from({ length: 12 }, (_, i) => `shop-killed-${i}`);
    const keys = merchants.map((merchant) => `${world.name}-${merchant}`);
    const ask = () => Promise.all(merchants.map((merchant, i) => world.authorize(merchant, { key: keys[i] }).catch(() => null)));
    const one = await captured(world, 'shop-before-kill');
    const asked = ask();
    await world.florin.kill();
    const before = await asked;
    await world.florin.run();
    const answers = await ask();
    for (const [i, answer] of answers.entries()) {
      assert.equal(answer.status, 200, answer.text);
      if (before[i]?.status === 200) assert.deepEqual([answer.text, answer.replayed], [before[i].text, true]);
      const { payments } = await world.florin.json(`/payments?merchantId=${merchants[i]}`);
      assert.deepEqual(payments.map(({ paymentId }) => paymentId), [answer.json.paymentId]);
      assert.equal((await world.change('capture', answer.json)).status, 200);
    }
    for (const merchant of merchants) await world.salesBecome(merchant, { captures: 1, refunds: 0, net: 10_000 });
    await world.salesBecome('shop-before-kill', { captures: 1, refunds: 0, net: 10_000 });
    await until('its events', async () => (await world.told(one)).length >= 2);
    assert.deepEqual(await world.told(one), ['payment.authorized', 'payment.captured']);
    await world.salesBecome('shop-a', { captures: 2, refunds: 4, net: 14_000 });
  },

  'people find payments, entries and events in the database under the names they know': async (world) => {
    const { paymentId } = await captured(world, 'shop-looked-at');
    const rows = async (columns, table, column) => (await world.store.sql(`SELECT ${columns} FROM ${table} WHERE ${column} = '${paymentId}' ORDER BY 1`)).map((row) => Object.values(row).map(String));
    assert.deepEqual(await rows('merchant_id, amount, currency, status, captured_amount, refunded_amount', 'payment', 'payment_id'), [['shop-looked-at', '10000', 'KRW', 'CAPTURED', '10000', '0']]);
    assert.deepEqual(await rows('entry_id, debit_account, credit_account, amount', 'ledger_entry', 'payment_id').then((entries) => entries.map(([, ...entry]) => entry)), [
      ['authorized_receivable', 'authorized_obligation', '10000'], ['authorized_obligation', 'authorized_receivable', '10000'], ['gateway_receivable', 'merchant_payable', '10000'],
    ]);
    assert.deepEqual((await rows('event_id, event_type', 'outbox_event', 'aggregate_id')).map(([, type]) => type), ['payment.authorized', 'payment.captured']);
    const [[asked, changed]] = await rows('requested_at, updated_at', 'payment', 'payment_id');
    for (const time of [asked, changed]) assert.ok(Math.abs(Date.parse(`${time.replace(' ', 'T')}Z`) - Date.now()) < 600_000, time);
  },

  'its books are right': async (world) => {
    const { code, out, err } = await world.verifyLedger();
    assert.equal(code, 0, out + err);
  },
};

describe('every combination', { skip: mariadbMissing() || redisMissing() || toolMissing('kafka') }, () => {
  before(async () => {
    const [mariadb, kafka, redis] = await Promise.all([MariaDb.start(), Kafka.start(), Redis.start()]);
    servers = { mariadb, kafka, redis };
    services = { api: await reservationApi({ answer: (method, id) => (away.has(id) ? 503 : 200) }), seats: await inventory() };
  });
  after(async () => {
    services?.api.close();
    services?.seats.close();
    for (const server of Object.values(servers ?? {})) await server.stop();
  });

  for (const [number, choice] of combinations.entries()) {
    describe(titleOf(choice), () => {
      let world;
      before(async () => {
        const environment = { RESERVATION_API_BASE: services.api.url, INVENTORY_GRPC_ADDR: services.seats.address, MAX_RETRIES: '2', BACKOFF_BASE_MS: '20', DEFAULT_DELAY_MS: '20', SETTLEMENT_ENABLED: 'false' };
        world = await Combination.start(servers, choice, { name: `combination_${number}`, redisDatabase: number, environment });
      });
      after(async () => { if (world) assert.equal(await world.stop(), 0, world.florin.log); });
      for (const [title, scenario] of Object.entries(scenarios)) test(title, () => scenario(world, choice));
    });
  }
});
