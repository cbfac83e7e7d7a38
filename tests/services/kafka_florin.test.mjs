// Florin with a real Kafka: events out, daily sales in, dead letters, and what stays true while either of them is killed.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Florin, until } from '../e2e/florin.mjs';
import { Kafka } from './kafka.mjs';
import { toolMissing } from './tools.mjs';

const steps = ['payment.authorized', 'payment.captured', 'payment.refunded'];

describe('Florin with Kafka', { skip: toolMissing('kafka') }, () => {
  let kafka, florin, tape;
  let orders = 0;
  let paid = 0;

  before(async () => {
    kafka = await Kafka.start();
    florin = await Florin.start(['--log-level', 'warning'], {
      KAFKA_BOOTSTRAP_SERVERS: kafka.servers, EVENT_LOG: 'kafka', KAFKA_PARTITIONS: '3',
      // A member that was killed is missed soon, one that waits for its turn is not.
      KAFKA_PROPERTIES: 'session.timeout.ms=6000,heartbeat.interval.ms=500',
      APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0',
    });
    tape = kafka.topics.follow(steps);
  });
  after(async () => {
    if (florin) assert.equal(await florin.stop(), 0, florin.log);
    await kafka?.stop();
  });

  const post = async (target, body) => {
    const answer = await florin.get('http', target, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ merchantId: 'shop-1', ...body }) });
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body);
  };

  /** A payment that is authorized and captured; every other one is refunded. */
  async function pay() {
    const number = orders += 1; // others count on meanwhile
    const { paymentId } = await post('/payments/authorize', { amount: 1_000, currency: 'KRW', idempotencyKey: `order-${number}` });
    await post(`/payments/capture/${paymentId}`);
    if (number % 2 === 0) await post(`/payments/refund/${paymentId}`, { reason: 'test' });
    paid += 1;
    return paymentId;
  }

  /** What daily sales say of the merchant, over all days. */
  async function sales() {
    const { days } = await florin.json('/api/daily-sales?merchantId=shop-1');
    return days.reduce((sum, day) => ({ captures: sum.captures + day.captures.count, refunds: sum.refunds + day.refunds.count }), { captures: 0, refunds: 0 });
  }
  const events = (topic) => new Set(tape.messages.filter((message) => message.topic === topic && message.headers.id).map(({ headers }) => headers.id)).size;
  const lag = async (group) => Number((await florin.get('health', '/metrics')).body.match(new RegExp(`florin_consumer_lag{group="${group}"} (\\d+)`))?.[1] ?? -1);

  test('creates the topics with the partitions it was told, and those of dead letters', async () => {
    const wanted = [...steps, 'payment.voided', 'payment.captured.dlq', 'payment.refunded.dlq'];
    await until('the topics', async () => {
      const names = await kafka.topics.names();
      return wanted.every((topic) => names.includes(topic));
    }, 120_000);
  });

  test('sends each event under its payment with its id, and counts it once in daily sales', async () => {
    const ids = await Promise.all(Array.from({ length: 40 }, pay));
    await until('all events', () => events('payment.authorized') >= 40 && events('payment.captured') >= 40 && events('payment.refunded') >= 20, 120_000);
    const [first] = tape.messages.filter(({ topic }) => topic === 'payment.captured');
    assert.ok(ids.map(String).includes(first.key));
    const event = JSON.parse(first.value);
    assert.equal(event.type, 'payment.captured');
    assert.equal(event.id, first.headers.id);
    assert.deepEqual(Object.keys(first.headers), ['id']);
    await until('daily sales', async () => (await sales()).captures === 40 && (await sales()).refunds === 20, 120_000);
    await until('Kafka to be up', async () => JSON.parse((await florin.get('health', '/ready')).body).dependencies.kafka.status === 'up');
  });

  test('a poisoned topic holds nobody up: garbage becomes dead letters in their topic and in the list', async () => {
    await kafka.topics.produce(['no json', '[1]', '{"type":"payment.captured"}', undefined].map((value, i) => ({ topic: 'payment.captured', key: `poison-${i}`, value })));
    await pay();
    const dead = await kafka.topics.read('payment.captured.dlq', 4, 120_000);
    const byKey = Object.fromEntries(dead.map((letter) => [letter.key, letter]));
    assert.equal(byKey['poison-0'].value, 'no json');
    assert.equal(byKey['poison-0'].headers['dlq-error-type'], 'MalformedMessage');
    assert.equal(byKey['poison-0'].headers['dlq-original-topic'], 'payment.captured');
    assert.equal(byKey['poison-3'].headers['dlq-error-type'], 'NullValue');
    await until('daily sales', async () => (await sales()).captures === 41, 120_000);
    const listed = await until('the list', async () => {
      const { dead_letters: letters } = await florin.json('/api/dead-letters?group=daily-sales');
      return letters.length === 4 && letters;
    });
    const [letter] = listed.filter(({ key }) => key === 'poison-2');
    const again = await florin.get('http', `/api/dead-letters/${letter.id}/redrive`, { method: 'POST' });
    assert.equal(again.status, 409, again.body);
    assert.equal((await florin.get('http', `/api/dead-letters/${letter.id}/discard`, { method: 'POST' })).status, 200);
  });

  test('whoever is killed under load, no event is lost or overtaken and no sale counted twice', async () => {
    const before = await sales();
    const began = paid;
    let paying = true;
    const load = Promise.all(Array.from({ length: 4 }, async () => {
      while (paying) {
        // A client whose server dies asks again with its key, as it should; what it could not finish it leaves.
        await pay().catch(() => new Promise((next) => setTimeout(next, 50)));
      }
    }));
    for (const victim of [kafka, florin, kafka, florin]) {
      await until('some more payments', () => paid > began + 40, 180_000);
      await victim.kill();
      await new Promise((next) => setTimeout(next, 500));
      await victim.run();
      const since = paid;
      await until('payments after it came back', () => paid > since + 20, 180_000);
    }
    paying = false;
    await load;
    await until('the relay to be done', async () => (await lag('kafka')) === 0, 180_000);
    await until('daily sales to be done', async () => {
      const now = await sales();
      return now.captures === events('payment.captured') && now.refunds === events('payment.refunded');
    }, 180_000).catch(async (error) => { throw new Error(`${error.message}: ${JSON.stringify(await sales())}, events ${events('payment.captured')} and ${events('payment.refunded')}\n${florin.log}`); });
    assert.ok((await sales()).captures > before.captures + 40);
    // Ids ascend with the log, so each key's first arrivals do.
    const last = new Map();
    const seen = new Set();
    for (const { topic, key, headers } of tape.messages) {
      if (seen.has(headers.id) || headers.id === undefined) continue;
      seen.add(headers.id);
      assert.ok((last.get(`${topic}/${key}`) ?? '') < headers.id, `${key} of ${topic}`);
      last.set(`${topic}/${key}`, headers.id);
    }
  });
});
