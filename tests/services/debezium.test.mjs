// The real connector on the real binary log: what stands in the table arrives as it stands there, through every failure.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root, until } from '../e2e/florin.mjs';
import { Connect } from './connect.mjs';
import { Kafka } from './kafka.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';
import { openNetwork } from './partition.mjs';
import { toolMissing } from './tools.mjs';

const topic = 'payment.completed';
const quoted = (text) => `'${text.replace(/\\/g, '\\\\').replace(/'/g, "''")}'`;

describe('the outbox connector', { skip: mariadbMissing() || toolMissing('debezium') }, () => {
  let mariadb, kafka, connect, tape, network;

  async function prepare() {
    await mariadb.sql(fs.readFileSync(path.join(root, 'migrations/mariadb/0003_outbox_event.sql'), 'utf8'));
    await mariadb.admitDebezium();
  }

  /** Files events as Florin does, in one transaction; their ids. Those that are filed already stay as they are. */
  async function file(events) {
    const rows = events.map(({ id = randomUUID(), key, payload = '{}', type = topic, at = '2026-11-21 12:00:00.123' }) => ({ id, text: `(${[id, key, 'Payment', type, payload, at, type, key].map(quoted)})` }));
    await mariadb.sql(`INSERT IGNORE INTO payment_outbox (id, aggregate_id, aggregate_type, event_type, payload, created_at, topic, partition_key) VALUES ${rows.map(({ text }) => text).join()}`);
    return rows.map(({ id }) => id);
  }
  /** Returns when every one of `ids` is on its topic. */
  async function arrived(ids, ms = 180_000) {
    const missing = () => {
      const there = new Set(tape.messages.map(({ headers }) => headers.id));
      return ids.filter((id) => !there.has(id));
    };
    await until('every event', async () => {
      if (missing().length === 0) return true;
      await connect.restartFailed().catch(() => {}); // the worker itself may be on its way back
      return false;
    }, ms)
      .catch((error) => { throw new Error(`${error.message}: ${missing().length} of ${ids.length} are missing\n${connect.log.slice(-5_000)}`); });
  }
  const message = (id) => tape.messages.find(({ headers }) => headers.id === id);

  before(async () => {
    network = await openNetwork();
    [kafka, mariadb] = await Promise.all([Kafka.start(), MariaDb.start({ network })]);
    await prepare();
    await kafka.topics.create([topic, 'shop.created']);
    await file([{ key: 'before the connector' }]);
    connect = await Connect.start({ kafka, mariadb });
    await connect.register();
    tape = kafka.topics.follow([topic, 'shop.created']);
  });
  after(async () => {
    await connect?.stop();
    await Promise.all([mariadb?.stop(), kafka?.stop()]);
    await network?.close();
  });

  test('carries a payload byte for byte: nulls, empty arrays, numbers, texts and escapes', async () => {
    const payload = '{"id":"1","data":{"none":null,"empty":[],"nothing":{},"mixed":[1,"a",null],"big":9007199254740993,"money":1.50,"text":"한글 \\u0041 \\"q\\" \\\\ \\n",  "spaced" : true}}';
    const [id] = await file([{ key: 'pay-1', payload }]);
    await arrived([id]);
    const found = message(id);
    assert.ok(found.bytes.equals(Buffer.from(payload)), found.value);
    assert.deepEqual([found.topic, found.key, found.headers, found.timestamp], [topic, 'pay-1', { id }, Date.parse('2026-11-21T12:00:00.123Z')]);
  });

  test('routes by the topic of the row', async () => {
    const [id] = await file([{ key: 'pay-1', type: 'shop.created' }]);
    await arrived([id]);
    assert.equal(message(id).topic, 'shop.created');
  });

  test('carries neither what stood there before it nor what is changed and deleted', async () => {
    const [changed, deleted] = await file([{ key: 'changed' }, { key: 'deleted' }]);
    await mariadb.sql(`UPDATE payment_outbox SET payload = '{"changed":1}' WHERE id = '${changed}'; DELETE FROM payment_outbox WHERE id = '${deleted}'`);
    const [last] = await file([{ key: 'changed' }]);
    await arrived([changed, deleted, last]);
    assert.equal(tape.messages.filter(({ key, value }) => key === 'before the connector' || value === null || value.includes('changed')).length, 0);
    assert.equal(tape.messages.filter(({ headers }) => headers.id === deleted).length, 1);
  });

  /** Files 3,000 events while `trouble` comes and goes: all arrive, in the order of their keys, and what comes twice is the same. */
  async function survives(context, trouble) {
    const filed = [];
    let calm = false;
    const writing = (async () => {
      for (let batch = 0; batch < 30; batch += 1) {
        if (batch === 20) await until('the trouble to be over', () => calm, 300_000);
        const events = Array.from({ length: 100 }, (_, i) => ({ id: randomUUID(), key: `pay-${i % 10}`, payload: JSON.stringify({ batch, i }) }));
        filed.push(...await until('MariaDB to take them', () => file(events).catch(() => false), 180_000));
      }
    })();
    await until('the stream', () => filed.length >= 500 && message(filed[100]), 180_000);
    await trouble();
    calm = true;
    await writing;
    await arrived(filed);
    assertOrder(filed);
    context.diagnostic(`${assertRepeats(filed)} of ${filed.length} events came twice`);
  }

  /** The first time they came, each key's events came in the order in which they were filed. */
  function assertOrder(filed) {
    const place = new Map(filed.map((id, i) => [id, i]));
    const seen = new Set();
    const last = new Map();
    for (const { key, headers: { id } } of tape.messages) {
      if (!place.has(id) || seen.has(id)) continue;
      seen.add(id);
      assert.ok((last.get(key) ?? -1) < place.get(id), `${key} is out of order`);
      last.set(key, place.get(id));
    }
  }

  function assertRepeats(filed) {
    const wanted = new Set(filed);
    const seen = new Map();
    const content = ({ topic, partition, key, value, headers, timestamp }) => [topic, partition, key, value, headers, timestamp];
    let repeats = 0;
    for (const each of tape.messages.filter(({ headers }) => wanted.has(headers.id))) {
      const before = seen.get(each.headers.id);
      if (before) assert.deepEqual(content(each), content(before));
      if (before) repeats += 1;
      seen.set(each.headers.id, each);
    }
    return repeats;
  }

  test('is killed in mid-stream and goes on from the position it wrote down', (context) => survives(context, async () => {
    await connect.kill();
    await connect.run();
  }));

  test('waits for a broker that is killed', (context) => survives(context, async () => {
    await kafka.kill();
    await kafka.run();
  }));

  test('waits for a database that is killed', (context) => survives(context, async () => {
    await mariadb.kill();
    await mariadb.run();
  }));

  test('is cut off from the database for a while', (context) => survives(context, async () => {
    await network.cut();
    const [id] = await file([{ key: 'while it is cut' }]);
    assert.equal(message(id), undefined);
    await network.heal();
    await arrived([id]);
  }));

  test('puts the id into a second header for consumers of the preset payments', async () => {
    await connect.register({ 'transforms.outbox.table.fields.additional.placement': 'id:header:eventId' });
    const [id] = await file([{ key: 'pay-1' }]);
    await arrived([id]);
    assert.deepEqual(message(id).headers, { id, eventId: id });
  });

  test('refuses a database that does not know its position, rather than begin anew', async () => {
    const before = tape.messages.length;
    const { port } = mariadb;
    await mariadb.stop();
    mariadb = await MariaDb.start({ network, port, serverId: 2 });
    await prepare();
    await file([{ key: 'of another history' }]);
    let trace = '';
    await until('the refusal', async () => {
      const { tasks = [] } = await connect.request('GET', '/connectors/florin-outbox/status').catch(() => ({})); // it may be busy with a rebalance
      if (tasks[0]?.state !== 'FAILED') return false;
      ({ trace } = tasks[0]);
      if (/not in the master's binlog/.test(trace)) return true;
      await connect.restartFailed().catch(() => {}); // it failed of the server that went away
      return false;
    }, 180_000).catch((error) => { throw new Error(`${error.message}: ${trace}`); });
    assert.equal(tape.messages.length, before);
  });
});
