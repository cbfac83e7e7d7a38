// The disk under Kafka fills up while merchants pay, and has room again: payments go on, their events wait in the
// database, and all of them arrive. A broker ends when it cannot write its log; it is started again, as systemd would.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { Florin, until } from '../e2e/florin.mjs';
import { KafkaOnSmallDisk, smallDiskMissing } from './small_disk.mjs';
import { toolMissing } from './tools.mjs';

describe('a full disk under Kafka', { skip: smallDiskMissing() || toolMissing('kafka') }, () => {
  let kafka, florin, tape;
  let orders = 0;
  let paid = 0;
  before(async () => {
    kafka = await KafkaOnSmallDisk.start();
    kafka.watch();
    florin = await Florin.start(['--log-level', 'warning'], {
      KAFKA_BOOTSTRAP_SERVERS: kafka.servers, EVENT_LOG: 'kafka', KAFKA_PARTITIONS: '3', KAFKA_PROPERTIES: 'session.timeout.ms=6000,heartbeat.interval.ms=500',
      APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0',
    });
    tape = kafka.topics.follow(['payment.authorized', 'payment.captured']);
  });
  after(async () => {
    if (florin) assert.equal(await florin.stop(), 0, florin.log);
    await kafka?.stop();
  });

  async function post(target, body) {
    const answer = await florin.get('http', target, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ merchantId: 'shop-1', ...body }) });
    assert.equal(answer.status, 200, answer.body);
    return JSON.parse(answer.body);
  }
  async function pay() {
    const { paymentId } = await post('/payments/authorize', { amount: 1_000, currency: 'KRW', idempotencyKey: `order-${orders += 1}` });
    await post(`/payments/capture/${paymentId}`);
    paid += 1;
  }
  const payMany = (count) => Promise.all(Array.from({ length: count }, pay));

  /** What /ready says of Kafka; it is green whatever that is. */
  async function kafkaOfReady() {
    const { status, body } = await florin.get('health', '/ready');
    assert.equal(status, 200, body);
    return JSON.parse(body).dependencies.kafka;
  }
  const waiting = () => florin.metric('florin_consumer_lag{group="kafka"}');
  const arrived = (topic) => new Set(tape.messages.filter((message) => message.topic === topic).map(({ headers }) => headers.id)).size;

  /** Every event is on its topic, and daily sales have counted each capture once. */
  async function allArrive() {
    await until('every event', () => ['payment.authorized', 'payment.captured'].every((topic) => arrived(topic) === paid), 300_000)
      .catch((error) => { throw new Error(`${error.message}: ${arrived('payment.captured')} of ${paid}\n${kafka.trouble}\n${kafka.log.slice(-5_000)}\n${florin.log.slice(-3_000)}`); });
    await until('daily sales', async () => {
      const { days } = await florin.json('/api/daily-sales?merchantId=shop-1');
      return days.reduce((sum, day) => sum + day.captures.count, 0) === paid;
    }, 180_000);
    await until('/ready to say that Kafka is up', async () => (await kafkaOfReady()).status === 'up', 180_000);
    assert.equal(await waiting(), 0);
  }

  test('holds no payment up, is told of, and loses no event', { timeout: 1_200_000 }, async (context) => {
    await payMany(40);
    await allArrive();

    kafka.disk.fill();
    const { reason } = await until('/ready to say that Kafka is down', async () => {
      await payMany(4); // a page of a file that is there takes some more
      const state = await kafkaOfReady();
      return state.status === 'down' && state;
    }, 300_000);
    await payMany(100);
    assert.ok(await until('events to wait', waiting) > 0);

    kafka.disk.free();
    await allArrive();
    context.diagnostic(`${paid} payments, Kafka started ${kafka.restarts} times again; "${reason}"`);
  });
});
