// A real Prometheus, configured as deployed, watches real processes at work: whatever a dashboard asks has an answer.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, test } from 'node:test';
import { Florin, receiver, until } from '../e2e/florin.mjs';
import { Prometheus, dashboardQueries, deployed, prometheusMissing, promtool, rewritten } from './prometheus.mjs';

const skip = prometheusMissing();
const admin = 'prometheus-test-token';
// What goes wrong should do so at once: attempts that are the last, a breaker that opens early, a small refund window.
const nervous = {
  ADMIN_TOKEN: admin, WEBHOOK_MAX_ATTEMPTS: '1', RECOVERY_MAX_ATTEMPTS: '1', RECOVERY_AFTER_MS: '300', GATEWAY_TIMEOUT_MS: '200', IDEMPOTENCY_PATIENCE_MS: '200',
  GATEWAY_CB_MIN_CALLS: '2', GATEWAY_CB_WAIT_DURATION: '600000', APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '3', SETTLEMENT_ENABLED: 'false',
};
const neverAnswers = 100_504; // docs/payments.md: an amount the built-in gateway keeps silent about

let florin, good, bad, prometheus;
before(async () => {
  if (skip) return;
  good = await receiver();
  bad = await receiver((request, response) => response.writeHead(500).end());
  florin = await Florin.start(['--settlement-utc-offset-minutes', '0'], nervous);
  prometheus = await Prometheus.start(rewritten('prometheus.yml', { florin: [`127.0.0.1:${florin.ports.health}`] }));
});
after(async () => {
  await prometheus?.stop();
  if (florin) assert.equal(await florin.stop(), 0, florin.log);
  good?.close();
  bad?.close();
});

let keys = 0;
async function post(target, body, headers = {}) {
  const { status, body: text } = await florin.get('http', target, {
    method: 'POST', headers: { 'content-type': 'application/json', 'Idempotency-Key': `watched-${++keys}`, ...headers }, body: JSON.stringify(body),
  });
  return { status, ...JSON.parse(text) };
}
const authorize = (amount, headers) => post('/payments/authorize', { merchantId: 'shop', amount, currency: 'KRW' }, headers);

/** One round of a shop's day: a payment from authorization to refund, one asked twice, and the gateway's own payments. */
async function trade() {
  const { paymentId } = await authorize(10_000);
  await post(`/payments/capture/${paymentId}`, { merchantId: 'shop' });
  const refund = await post(`/payments/refund/${paymentId}`, { merchantId: 'shop', amount: 1_000, reason: 'returned' });
  const key = { 'Idempotency-Key': `twice-${++keys}` };
  await authorize(5_000, key);
  await authorize(5_000, key);
  await Promise.all([florin.create({ webhook_url: good.url }), florin.create({ webhook_url: bad.url, scenario: 'PAYMENT_SCENARIO_FAIL' })]);
  return refund.status;
}

test('the files are what promtool calls right', { skip }, () => {
  for (const file of fs.readdirSync(deployed).filter((name) => name.startsWith('prometheus'))) assert.match(promtool('config', file), /SUCCESS/);
  assert.match(promtool('rules', 'alerts.yml'), /SUCCESS: \d+ rules found/);
});

test('every target is up, and every query of every dashboard has an answer', { skip }, async () => {
  await until('the first look', async () => (await prometheus.query('up == 1')).length > 0, 30_000); // counters start at zero before they move
  const answers = [];
  for (let round = 0; round < 5; ++round) answers.push(await trade());
  assert.ok(answers.includes(429), `a refund too many is refused: ${answers}`);
  for (let i = 0; i < 3; ++i) assert.equal((await authorize(neverAnswers)).status >= 500, true);
  const closed = await florin.get('http', `/api/settlements/run?day=${new Date().toISOString().slice(0, 10)}&early=true`, { method: 'POST', headers: { Authorization: `Bearer ${admin}` } });
  assert.equal(closed.status, 200, closed.body);
  for (const target of await prometheus.targets()) assert.equal(target.health, 'up', JSON.stringify(target));
  for (const { board, panel, query } of dashboardQueries()) {
    await until(`an answer to ${query} (${board}: ${panel})`, async () => (await prometheus.query(query)).length > 0, 30_000);
  }
});

test('what the run did can be read from the dashboards', { skip }, async () => {
  const value = async (query) => Number((await prometheus.query(query))[0]?.value[1]);
  const becomes = (query, wanted) => until(`${query} to be ${wanted}`, async () => (await value(query)) === wanted, 30_000);
  await becomes('max(florin_circuit_state{gateway="rules"})', 2);
  await becomes('sum(florin_ledger_postings_total{movement="authorize"})', 10);
  await becomes('sum(florin_ledger_postings_total{movement="refund"})', 3);
  await becomes('sum(florin_ledger_postings_total{movement="settle"})', 1);
  await becomes('sum(florin_rate_limited_total)', 2);
  await becomes('sum(florin_idempotent_replays_total)', 5);
  await becomes('sum(webhook_delivery_total{result="delivered"})', 5);
  await becomes('sum(webhook_delivery_total{result="dead"})', 5);
  await becomes('sum(florin_recovery_attempts_total{result="given_up"}) > bool 0', 1);
});

test('the alerts are evaluated, and dead webhooks and an open circuit raise theirs', { skip }, async () => {
  const firing = (name) => until(`${name} to fire`, async () => (await prometheus.rules())[name]?.state === 'firing', 30_000);
  await firing('FlorinWebhooksDie');
  await firing('FlorinCircuitOpen');
  for (const { name, health, lastError } of Object.values(await prometheus.rules())) assert.equal(health, 'ok', `${name}: ${lastError}`);
});
