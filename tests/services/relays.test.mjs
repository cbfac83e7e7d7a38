// Florin's relay and Debezium, each by OUTBOX_RELAY: the same records, and a change from one to the other loses none.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Florin, until } from '../e2e/florin.mjs';
import { Connect } from './connect.mjs';
import { paymentTopics } from './followers.mjs';
import { Kafka } from './kafka.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';
import { toolMissing } from './tools.mjs';

const topics = [...paymentTopics, ...['approved', 'completed', 'failed', 'cancelled', 'expired', 'status_updated', 'created'].map((event) => `payment.${event}`)];

describe('the two relays', { skip: mariadbMissing() || toolMissing('debezium') }, () => {
  let mariadb, kafka, connect, florin, tape;
  let orders = 0;

  before(async () => {
    [kafka, mariadb] = await Promise.all([Kafka.start(), MariaDb.start()]);
    await kafka.topics.create(topics);
    tape = kafka.topics.follow(topics);
    florin = await Florin.start(['--log-level', 'warning'], {
      DB_URL: mariadb.url, KAFKA_BOOTSTRAP_SERVERS: kafka.servers, OUTBOX_RELAY: 'florin',
      APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0',
    });
    await mariadb.admitDebezium();
    connect = await Connect.start({ kafka, mariadb });
    await connect.register();
  });
  after(async () => {
    if (florin) assert.equal(await florin.stop(), 0, florin.log);
    await connect?.stop();
    await Promise.all([mariadb?.stop(), kafka?.stop()]);
  });

  const post = async (target, body) => JSON.parse((await florin.get('http', target, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ merchantId: 'shop-1', ...body }) })).body);

  /** One payment each way, with the events of all of its steps. */
  async function pay() {
    const order = `order-${orders += 1}`;
    await florin.create({ reservation_id: order, scenario: orders % 3 ? 'PAYMENT_SCENARIO_APPROVE' : 'PAYMENT_SCENARIO_FAIL' });
    const { paymentId } = await post('/payments/authorize', { amount: 1_000 + orders, currency: 'KRW', idempotencyKey: order });
    if (orders % 4 === 0) return post(`/payments/void/${paymentId}`);
    await post(`/payments/capture/${paymentId}`);
    return post(`/payments/refund/${paymentId}`, { reason: '고객 "변심" \\ 100%' });
  }
  const payMany = (count) => Promise.all(Array.from({ length: count }, pay));

  /** Ids of every event there is, in their order. */
  async function events() {
    const rows = await mariadb.sql('SELECT LOWER(HEX(event_id)) AS id FROM outbox ORDER BY seq');
    return rows.map(({ id }) => id.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'));
  }
  const comings = (id) => tape.messages.filter(({ headers }) => headers.id === id);

  /** Returns when the clock of payments has come to its end and all events have come, since the message of this number. */
  async function arrived(since = 0, ms = 180_000) {
    let missing = [];
    await until('every event to come', async () => {
      const open = await mariadb.value('SELECT COUNT(*) FROM gateway_intent WHERE due_at IS NOT NULL');
      const came = new Set(tape.messages.slice(since).map(({ headers }) => headers.id));
      missing = (await events()).filter((id) => !came.has(id));
      return missing.length === 0 && open === '0';
    }, ms).catch((error) => { throw new Error(`${error.message}: ${missing.length} have not\n${florin.log.slice(-3_000)}\n${connect.log.slice(-3_000)}`); });
    return events();
  }

  async function switchTo(relay) {
    florin.process.kill('SIGTERM');
    await florin.exited;
    florin.environment.OUTBOX_RELAY = relay;
    await florin.run();
  }

  /** Nothing else has come, and what came again came as it did before: who ends while it sends may send again. */
  function assertOnlyThese(ids) {
    assert.equal(new Set(tape.messages.map(({ headers }) => headers.id)).size, ids.length);
    for (const id of ids) {
      const [first, ...again] = comings(id).map(record);
      for (const each of again) assert.deepEqual(each, first);
      assert.deepEqual(first.headers, { id });
    }
  }
  const record = ({ topic, partition, key, bytes, headers, timestamp }) => ({ topic, partition, key, bytes: bytes.toString('latin1'), headers, timestamp });

  test('send the same events byte for byte', async () => {
    await switchTo('debezium');
    await payMany(30);
    // What a payload of ours could hold and has not yet: the relays look into none.
    const payload = '{"data":{"none":null,"empty":[],"nothing":{},"mixed":[1,"a",null],"big":9007199254740993,"money":1.50,"text":"한글 \\u0041 \\n",  "spaced" : true}}';
    await mariadb.sql(`INSERT INTO outbox (event_id, aggregate_type, aggregate_id, event_type, payload, created_at)
      VALUES (UNHEX('0190000000007000800000000000abcd'), 'payment', 'pay-nulls', 'payment.completed', '${payload.replaceAll('\\', '\\\\')}', ${Date.now()}456)`);
    const ids = await arrived();
    assert.ok(ids.length > 100, `${ids.length} events`);
    assert.equal(await mariadb.value('SELECT COUNT(*) FROM payment_outbox'), String(ids.length));
    assertOnlyThese(ids);

    const byDebezium = tape.messages.length;
    await switchTo('florin');
    florin.process.kill('SIGTERM');
    await florin.exited;
    await mariadb.sql("UPDATE consumer_offset SET position = 0 WHERE consumer_group = 'kafka'");
    await florin.run();
    await arrived(byDebezium);
    assertOnlyThese(ids);
    for (const { bytes } of comings('01900000-0000-7000-8000-00000000abcd')) assert.ok(bytes.equals(Buffer.from(payload)), bytes.toString());
  });

  test('follow each other without a gap, and repeat nothing but what was under way', async () => {
    for (const relay of ['debezium', 'florin', 'debezium', 'florin']) {
      await switchTo(relay);
      await payMany(10);
    }
    assertOnlyThese(await arrived());
  });

  test('lose nothing when Florin is killed under load', async (context) => {
    for (const relay of ['debezium', 'florin']) {
      await switchTo(relay);
      const load = Promise.allSettled(Array.from({ length: 300 }, pay));
      const known = (await events()).length;
      await until('events', async () => (await events()).length > known + 50);
      await florin.kill();
      await load;
      await florin.run();
      const ids = await arrived();
      const repeated = ids.filter((id) => comings(id).length > 2).length;
      context.diagnostic(`${relay}: ${ids.length - known} events, ${repeated} came again`);
      assertOnlyThese(ids);
    }
    assert.equal(await mariadb.value('SELECT COUNT(*) - COUNT(DISTINCT id) FROM payment_outbox'), '0');
  });
});
