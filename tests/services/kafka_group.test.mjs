// Two workers share the topics of a real Kafka and one MariaDB. While messages keep coming, poison and repetitions among
// them, a worker joins in the midst of batches, is killed in the midst of them, comes back, and the other one leaves:
// every effect is there once.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { Florin, until } from '../e2e/florin.mjs';
import { Kafka } from './kafka.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';
import { toolMissing } from './tools.mjs';

const topics = ['payment.captured', 'payment.refunded'];
const partitions = 3; // of each
const outstandingMost = 4_000; // enough for batches, little enough for a slow machine
const merchants = 7;

/** Feeds the topics until it is told to end, and knows what must come of it. */
class Feed {
  sales = {}; // merchant -> { captures, refunds, amount }
  events = 0; // each once, poison included
  poison = 0;
  #numbers = 0;
  #open = true;

  constructor(kafka, handled) {
    this.done = this.#run(kafka, handled);
    this.done.catch((error) => { this.failed = error; });
  }

  async end() {
    this.#open = false;
    await this.done;
  }

  async #run(kafka, handled) {
    while (this.#open) {
      await until('room for more', async () => !this.#open || this.events - await handled() < outstandingMost);
      await kafka.topics.produce(Array.from({ length: 250 }, () => this.#next()).flat());
    }
  }

  #next() {
    const number = this.#numbers++;
    const topic = topics[number % 5 === 4 ? 1 : 0];
    this.events += 1;
    if (number % 100 === 50) {
      this.poison += 1;
      return [{ topic, key: `poison-${number}`, value: 'no json' }];
    }
    const merchant = `shop-${number % merchants}`;
    const sales = (this.sales[merchant] ??= { captures: 0, refunds: 0, amount: 0 });
    sales[topic === topics[0] ? 'captures' : 'refunds'] += 1;
    sales.amount += number;
    const id = randomUUID();
    const event = { topic, key: `payment-${number % 200}`, headers: { id }, value: JSON.stringify({ specversion: '1.0', id, type: topic, data: { merchantId: merchant, currency: 'KRW', amount: number } }) };
    return number % 10 === 0 ? [event, event] : [event]; // who sends may send twice
  }
}

describe('a group of Kafka over MariaDB', { skip: mariadbMissing() || toolMissing('kafka') }, () => {
  let mariadb, kafka, feed;
  const workers = [];

  before(async () => {
    [mariadb, kafka] = await Promise.all([MariaDb.start(), Kafka.start()]);
    await kafka.topics.create(topics, { partitions });
  });
  after(async () => {
    await feed?.end().catch(() => {}); // the test has told of it
    for (const worker of workers) await worker.stop();
    await Promise.all([mariadb?.stop(), kafka?.stop()]);
  });

  const start = async () => {
    workers.push(await Florin.start(['--role', 'worker', '--log-level', 'error'], {
      DB_URL: mariadb.url, KAFKA_BOOTSTRAP_SERVERS: kafka.servers, EVENT_LOG: 'kafka', SETTLEMENT_ENABLED: 'false',
      // Who was killed is missed soon, who waits for its turn is not.
      KAFKA_PROPERTIES: 'session.timeout.ms=6000,heartbeat.interval.ms=500',
    }));
    return workers.at(-1);
  };
  const handled = async () => Number(await mariadb.value('SELECT COUNT(*) FROM consumer_handled'));
  const metric = async (worker, series) => Number((await worker.get('health', '/metrics')).body.split('\n').find((line) => line.startsWith(`${series} `))?.split(' ')[1] ?? 0);
  const assigned = (worker) => metric(worker, 'florin_kafka_assigned_partitions{group="daily-sales"}');
  const done = (worker) => metric(worker, 'florin_consumer_messages_total{group="daily-sales",result="done"}');

  /** It has partitions, and has done some of what is in them. */
  async function works(worker, wanted = (count) => count > 0) {
    await until('its partitions', async () => wanted(await assigned(worker)), 180_000);
    const before = await done(worker);
    await until('its work', async () => { if (feed.failed) throw feed.failed; return (await done(worker)) > before + 500; }, 180_000);
  }
  const alone = (count) => count === topics.length * partitions;

  async function sales() {
    const rows = await mariadb.sql('SELECT merchant_id, SUM(captures) AS captures, SUM(refunds) AS refunds, SUM(captured_amount + refunded_amount) AS amount FROM merchant_daily_sales GROUP BY merchant_id');
    return Object.fromEntries(rows.map(({ merchant_id: merchant, ...sums }) => [merchant, Object.fromEntries(Object.entries(sums).map(([name, text]) => [name, Number(text)]))]));
  }

  test('workers join, are killed and leave in the midst of batches, and every effect is there once', { timeout: 1_200_000 }, async (context) => {
    const first = await start();
    feed = new Feed(kafka, handled);
    await works(first, alone);
    const second = await start();
    await works(second);
    await works(first);
    await first.kill();
    await works(second, alone);
    await first.run();
    await works(first);
    assert.equal(await second.stop(), 0, second.log);
    workers.splice(workers.indexOf(second), 1);
    await works(first, alone);

    await feed.end();
    await until('every message', async () => await handled() >= feed.events, 180_000)
      .catch(async (error) => { throw new Error(`${error.message}: ${await handled()} of ${feed.events}\n${first.log}`); });
    assert.equal(await handled(), feed.events);
    assert.deepEqual(await sales(), feed.sales);
    const letters = await mariadb.sql("SELECT message_key FROM dead_letter WHERE consumer_group = 'daily-sales'");
    assert.equal(letters.length, feed.poison);
    assert.equal(new Set(letters.map((letter) => letter.message_key)).size, feed.poison);
    const told = kafka.topics.follow(topics.map((topic) => `${topic}.dlq`));
    await until('the dead letters on their topics', () => new Set(told.messages.map(({ key }) => key)).size >= feed.poison);
    assert.deepEqual([...new Set(told.messages.map(({ key }) => key))].sort(), letters.map((letter) => letter.message_key).sort());
    // What is committed is the end: whoever comes next begins there. A stop gives up committing after some seconds.
    const committed = async () => Object.values(await kafka.topics.committed('florin.daily-sales', topics)).flat().reduce((sum, offset) => sum + offset, 0);
    const count = await kafka.topics.count(topics);
    await until('every commit', async () => await committed() === count, 180_000);
    assert.equal(await first.stop(), 0, first.log);
    workers.splice(workers.indexOf(first), 1);
    assert.equal(await committed(), count);
    context.diagnostic(`${feed.events} messages, ${feed.poison} of them poison`);
  });
});
