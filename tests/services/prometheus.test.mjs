// A real Prometheus, configured as deployed, watches real processes at work: whatever a dashboard asks has an answer.
// Once for one process over SQLite (compose.yaml), once for parts over MariaDB, Kafka and Redis (compose.scale.yaml).
import assert from 'node:assert/strict';
import fs from 'node:fs';
import http from 'node:http';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { Florin, noon, receiver, until } from '../e2e/florin.mjs';
import { Kafka } from './kafka.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';
import { Prometheus, dashboardQueries, deployed, prometheusMissing, promtool, rewritten } from './prometheus.mjs';
import { Redis, redisMissing } from './redis.mjs';
import { toolMissing } from './tools.mjs';

const admin = 'prometheus-test-token';
// What goes wrong should do so at once: attempts that are the last, a breaker that opens early, a small refund window.
const nervous = {
  ADMIN_TOKEN: admin, WEBHOOK_MAX_ATTEMPTS: '1', RECOVERY_MAX_ATTEMPTS: '1', RECOVERY_AFTER_MS: '300', GATEWAY_TIMEOUT_MS: '200', IDEMPOTENCY_PATIENCE_MS: '200',
  GATEWAY_CB_MIN_CALLS: '2', GATEWAY_CB_WAIT_DURATION: '600000', APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '3', APP_RATE_LIMIT_REFUND_WINDOW_SECONDS: '360000',
  SETTLEMENT_ENABLED: 'false', SETTLEMENT_UTC_OFFSET_MINUTES: String(noon.offset),
};
const neverAnswers = 100_504; // docs/payments.md: an amount the built-in gateway keeps silent about

/** An event bus that takes everything. */
async function eventBus() {
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (text) => { body += text; }).on('end', () => {
      const Entries = JSON.parse(body).Entries.map((_, i) => ({ EventId: String(i) }));
      response.setHeader('content-type', 'application/x-amz-json-1.1').end(JSON.stringify({ FailedEntryCount: 0, Entries }));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}
const aws = (bus) => ({ AWS_EVENTS: 'true', RESERVATION_WORKER: 'true', AWS_ENDPOINT_URL: bus.url, AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'ap-northeast-2' });

/** What is watched: `api` and `gateway` answer clients, `hosts` are the Florins by their name in the configuration. */
class Watched {
  constructor({ configuration, hosts, api, gateway, servers = [] }) {
    Object.assign(this, { configuration, hosts, api, gateway, servers });
    this.keys = 0;
  }

  async watch() {
    [this.good, this.bad] = [await receiver(), await receiver((request, response) => response.writeHead(500).end())];
    const targets = Object.entries(this.hosts).map(([name, florins]) => [name, florins.map(({ ports }) => `127.0.0.1:${ports.health}`)]);
    this.prometheus = await Prometheus.start(rewritten(this.configuration, Object.fromEntries(targets)));
    // Counters start at zero before they move: else the first movement is not seen.
    await until('the first look', async () => (await this.query('up == 1')).length === Object.values(this.hosts).flat().length, 120_000);
  }

  async stop() {
    await this.prometheus?.stop();
    for (const florin of Object.values(this.hosts).flat()) assert.equal(await florin.stop(), 0, florin.log);
    for (const server of this.servers) await server.stop();
    this.good?.close();
    this.bad?.close();
  }

  query(text) {
    return this.prometheus.query(text);
  }

  async post(target, body, headers = {}) {
    const { status, body: text } = await this.api.get('http', target, {
      method: 'POST', headers: { 'content-type': 'application/json', 'Idempotency-Key': `watched-${++this.keys}`, ...headers }, body: JSON.stringify(body),
    });
    return { httpStatus: status, ...JSON.parse(text) };
  }

  authorize(amount, headers) {
    return this.post('/payments/authorize', { merchantId: 'shop', amount, currency: 'KRW' }, headers);
  }

  /** One round of a shop's day: a payment from authorization to refund, one asked twice, and the gateway's own payments. */
  async trade() {
    const { paymentId } = await this.authorize(10_000);
    await this.post(`/payments/capture/${paymentId}`, { merchantId: 'shop' });
    const refund = await this.post(`/payments/refund/${paymentId}`, { merchantId: 'shop', amount: 1_000, reason: 'returned' });
    const key = { 'Idempotency-Key': `twice-${++this.keys}` };
    await this.authorize(5_000, key);
    await this.authorize(5_000, key);
    await Promise.all([this.gateway.create({ webhook_url: this.good.url }), this.gateway.create({ webhook_url: this.bad.url, scenario: 'PAYMENT_SCENARIO_FAIL' })]);
    return refund.httpStatus;
  }

  async day() {
    const refunds = [];
    for (let round = 0; round < 5; ++round) refunds.push(await this.trade());
    assert.deepEqual(refunds, [200, 200, 200, 429, 429], 'refunds, of which three may be asked for at once');
    for (let i = 0; i < 3; ++i) assert.ok((await this.authorize(neverAnswers)).httpStatus >= 500);
    const closed = await this.api.get('http', `/api/settlements/run?day=${noon.today()}&early=true`, { method: 'POST', headers: { Authorization: `Bearer ${admin}` } });
    assert.equal(closed.status, 200, closed.body);
  }

  async everyQueryAnswers(but) {
    for (const { board, panel, query } of dashboardQueries()) {
      if (but.test(query)) continue;
      await until(`an answer to ${query} (${board}: ${panel})`, async () => (await this.query(query)).length > 0, 120_000);
    }
  }

  async becomes(query, wanted) {
    const value = async () => Number((await this.query(query))[0]?.value[1]);
    await until(`${query} to be ${wanted}`, async () => (await value()) === wanted, 120_000)
      .catch(async (error) => { throw new Error(`${error.message}; it is ${await value()}`); });
  }

  async tellsTheDay() {
    await this.becomes('max(florin_circuit_state{gateway="rules"})', 2);
    await this.becomes('sum(florin_ledger_postings_total{movement="authorize"})', 10);
    await this.becomes('sum(florin_ledger_postings_total{movement="refund"})', 3);
    await this.becomes('sum(florin_ledger_postings_total{movement="settle"})', 1);
    await this.becomes('sum(florin_rate_limited_total)', 2);
    await this.becomes('sum(florin_idempotent_replays_total)', 5);
    await this.becomes('sum(webhook_delivery_total{result="delivered"})', 5);
    await this.becomes('sum(webhook_delivery_total{result="dead"})', 5);
    await this.becomes('sum(florin_recovery_attempts_total{result="given_up"}) > bool 0', 1);
    await this.becomes('sum(max by (group) (florin_consumer_lag))', 0);
    await this.becomes('max(florin_consumer_lag_seconds)', 0);
  }

  async raisesAlerts() {
    const state = async (name) => (await this.prometheus.rules())[name]?.state;
    for (const name of ['FlorinWebhooksDie', 'FlorinCircuitOpen']) await until(`${name} to fire`, async () => (await state(name)) === 'firing', 120_000);
    for (const { name, health, lastError } of Object.values(await this.prometheus.rules())) assert.equal(health, 'ok', `${name}: ${lastError}`);
  }
}

test('the files are what promtool calls right', { skip: prometheusMissing() }, () => {
  for (const file of fs.readdirSync(deployed).filter((name) => name.startsWith('prometheus'))) assert.match(promtool('config', file), /SUCCESS/);
  assert.match(promtool('rules', 'alerts.yml'), /SUCCESS: \d+ rules found/);
});

describe('one process over SQLite', { skip: prometheusMissing() }, () => {
  let watched, bus;
  before(async () => {
    bus = await eventBus();
    const florin = await Florin.start([], { ...nervous, ...aws(bus) });
    watched = new Watched({ configuration: 'prometheus.yml', hosts: { florin: [florin] }, api: florin, gateway: florin });
    await watched.watch();
  });
  after(async () => { await watched?.stop(); bus?.close(); });

  test('every query of every dashboard has an answer', async () => {
    await watched.day();
    await watched.everyQueryAnswers(/florin_(kafka|redis|answer_cache|instances|leases|store_reconnects)/);
  });
  test('what the run did can be read', () => watched.tellsTheDay());
  test('dead webhooks and an open circuit raise their alerts', () => watched.raisesAlerts());
});

describe('parts over MariaDB, Kafka and Redis', { skip: prometheusMissing() || mariadbMissing() || redisMissing() || toolMissing('kafka') }, () => {
  let watched, bus;
  before(async () => {
    bus = await eventBus();
    const [mariadb, kafka, redis] = await Promise.all([MariaDb.start(), Kafka.start(), Redis.start()]);
    const settings = { ...nervous, ...aws(bus), DB_URL: mariadb.url, KAFKA_BOOTSTRAP_SERVERS: kafka.servers, EVENT_LOG: 'kafka', REDIS_URL: redis.url };
    const hosts = {};
    for (const role of ['gateway', 'api', 'api', 'worker', 'worker', 'relay']) (hosts[role] ??= []).push(await Florin.start(['--role', role], settings));
    watched = new Watched({ configuration: 'prometheus.scale.yml', hosts, api: hosts.api[0], gateway: hosts.gateway[0], servers: [mariadb, kafka, redis] });
    await watched.watch();
  }, { timeout: 600_000 });
  after(async () => { await watched?.stop(); bus?.close(); });

  test('every query of every dashboard has an answer', async () => {
    await watched.day();
    await watched.everyQueryAnswers(/florin_store_wal/);
  });
  test('what the run did can be read', () => watched.tellsTheDay());
  test('dead webhooks and an open circuit raise their alerts', () => watched.raisesAlerts());
  test('a part that is gone is told of', async () => {
    const [worker] = watched.hosts.worker;
    await worker.kill();
    await until('the alert', async () => (await watched.query('ALERTS{alertname="FlorinDown",job="florin-worker"}')).length === 1, 120_000);
    await worker.run();
    await until('its end', async () => (await watched.query('ALERTS{alertname="FlorinDown"}')).length === 0, 120_000);
  });
});
