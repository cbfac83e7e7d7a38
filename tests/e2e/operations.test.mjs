import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fs from 'node:fs';
import path from 'node:path';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { Florin, binary, receiver, root, run, secret, until } from './florin.mjs';
import { browserMissing, withPage } from './page.mjs';

let florin;
before(async () => { florin = await Florin.start(['--webhook-backoff-base-ms', '100', '--webhook-max-attempts', '3']); });
after(async () => { await florin.stop(); });

test('/health is what probes compare, byte by byte', async () => {
  for (const method of ['GET', 'POST']) {
    const answer = await florin.get('health', '/health', { method });
    assert.equal(answer.body, '{"status":"healthy","service":"payment-sim-api"}');
    assert.equal(answer.headers['content-type'], 'application/json');
  }
  assert.equal((await florin.get('health', '/health', { method: 'HEAD' })).status, 200);
  assert.equal((await florin.get('health', '/healthz')).status, 404);
});

test('/ready tells of each dependency, /metrics has the documented names', async () => {
  const ready = JSON.parse((await florin.get('health', '/ready')).body);
  assert.equal(ready.dependencies.store.status, 'up');
  assert.equal(ready.role, 'all');
  await florin.create();
  const counted = /grpc_server_handled_total\{[^}]*grpc_code="OK"[^}]*\} [1-9]/;
  const { body } = await until('the call to be counted', async () => {
    const answer = await florin.get('health', '/metrics');
    return counted.test(answer.body) && answer;
  });
  for (const name of ['grpc_server_started_total', 'grpc_server_handled_total', 'grpc_server_handling_seconds_bucket', 'go_goroutines', 'go_memstats_alloc_bytes', 'process_resident_memory_bytes', 'florin_store_batch_commands', 'florin_store_commit_seconds', 'florin_settlement_lateness_seconds', 'florin_webhook_lateness_seconds', 'webhook_delivery_total', 'scenario_counter_total', 'florin_store_write_queue']) {
    assert.match(body, new RegExp(`^${name}`, 'm'), name);
  }
});

test('a stop tells watchers of its health first, and does not wait for them', async () => {
  const stopping = await Florin.start(['--shutdown-timeout-ms', '300000']); // longer than any test
  const { grpc: { health } } = grpc.loadPackageDefinition(loader.loadSync('proto/grpc/health/v1/health.proto', { includeDirs: [root], enums: String }));
  const client = new health.v1.Health(`127.0.0.1:${stopping.ports.grpc}`, grpc.credentials.createInsecure());
  const told = [];
  const ended = new Promise((resolve) => {
    client.watch({ service: 'payment.v1.PaymentService' }).on('data', ({ status }) => told.push(status)).on('error', resolve);
  });
  await until('the first answer', () => told.length === 1);
  const stopped = stopping.stop();
  assert.match((await ended).details, /shutting down/);
  assert.deepEqual(told, ['SERVING', 'NOT_SERVING']);
  assert.equal(await stopped, 0);
  client.close();
});

test('a receiver that fails gets retries, then its webhook is dead and can be sent again', async () => {
  let healthy = false;
  const { url, webhooks, close } = await receiver((request, response) => { response.statusCode = healthy ? 200 : 500; response.end(); });
  const { payment_intent_id: id } = await florin.create({ webhook_url: url });
  const dead = await until('the dead letter', async () => (await florin.json('/api/gateway/dead-letters')).webhooks.find((webhook) => webhook.payment_intent_id === id));
  assert.deepEqual(webhooks.map(({ headers }) => headers['x-webhook-attempt']), ['1', '2', '3']);
  assert.equal(new Set(webhooks.map(({ headers }) => headers['x-webhook-id'])).size, 1);
  assert.equal(dead.attempts.length, 3);
  healthy = true;
  assert.equal((await florin.get('http', `/api/gateway/webhooks/${dead.webhook_id}/resend`, { method: 'POST' })).status, 202);
  await until('the delivery', async () => (await florin.json(`/api/gateway/webhooks/${dead.webhook_id}`)).state === 'delivered');
  const { timeline, ended } = await florin.json(`/api/gateway/payments/${id}/timeline`);
  assert.deepEqual(timeline.map((entry) => entry.event).filter((event) => !event.startsWith('webhook')), ['created', 'completed']);
  assert.equal(ended, true);
  close();
});

test('a receiver that hangs does not delay another', async () => {
  const hanging = await receiver(() => {});
  const healthy = await receiver();
  for (let n = 0; n < 50; ++n) await florin.create({ webhook_url: hanging.url });
  await florin.create({ webhook_url: healthy.url });
  await until('the healthy one', () => healthy.webhooks.length === 1);
  hanging.close();
  healthy.close();
});

test('redirects are followed as browsers follow them', async () => {
  const target = await receiver();
  const redirecting = await receiver((request, response) => { response.writeHead(307, { Location: target.url }); response.end(); });
  await florin.create({ webhook_url: redirecting.url });
  await until('the redirected webhook', () => target.webhooks.length === 1);
  assert.equal(target.webhooks[0].method, 'POST');
  redirecting.close();
  target.close();
});

test('the admin face explains what it refuses', async () => {
  const answer = await florin.get('http', '/api/gateway/payments?limit=0');
  assert.equal(answer.status, 400);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.match(JSON.parse(answer.body).detail, /limit is "0"/);
  assert.equal((await florin.get('http', '/api/gateway/payments/pay-x')).status, 404);
  assert.equal((await florin.get('http', '/api/gateway/payments', { method: 'DELETE' })).status, 405);
  assert.equal((await florin.get('http', '/%zz')).status, 400);
});

test('what is pending happens after a kill -9', async () => {
  const { url, webhooks, close } = await receiver();
  const ids = [];
  for (let n = 0; n < 20; ++n) ids.push((await florin.create({ webhook_url: url, metadata: { tags: { delay_ms: '400' } } })).payment_intent_id);
  await florin.kill();
  await florin.run();
  await until('all webhooks', () => new Set(webhooks.map(({ json }) => json.payment_id)).size === ids.length);
  for (const id of ids) assert.equal(await florin.status(id), 'PAYMENT_STATUS_COMPLETED');
  close();
});

test('a second process on the same data is refused by name', async () => {
  const { code, err } = await run(['serve', '--grpc-port', '0', '--http-port', '0', '--health-port', '0', '--data-dir', path.join(florin.folder, 'data')], { cwd: florin.folder });
  assert.equal(code, 1);
  assert.match(err, /florin\.db.*DATA_DIR/s);
});

test('settings that make no sense are refused by name', async () => {
  for (const [name, value] of [['DEFAULT_DELAY_MS', '-1'], ['DEFAULT_DELAY_MS', 'soon'], ['GRPC_PORT', '99999'], ['DEFAULT_SCENARIO', 'maybe'], ['ENVIRONMENT', 'prod']]) {
    const { code, err } = await run(['serve'], { env: { [name]: value }, cwd: florin.folder });
    assert.notEqual(code, 0, name);
    assert.match(err, new RegExp(name), name);
    assert.ok(err.includes(value), `${name}: ${err}`);
  }
  const { err } = await run(['serve'], { env: { ENVIRONMENT: 'production' }, cwd: florin.folder });
  assert.match(err, /WEBHOOK_SECRET/);
});

test('config shows values and sources and masks secrets', async () => {
  const { out } = await run(['config'], { env: { WEBHOOK_SECRET: secret, DEFAULT_DELAY_MS: '1500' }, cwd: florin.folder });
  assert.ok(!out.includes(secret));
  assert.match(out, /1500/);
  assert.match(out, /environment/i);
});

test('doctor names the setting whose port is taken', async () => {
  const { code, out, err } = await run(['doctor'], { env: { GRPC_PORT: String(florin.ports.grpc), DATA_DIR: path.join(florin.folder, 'other') }, cwd: florin.folder });
  assert.equal(code, 1);
  assert.match(out + err, new RegExp(`GRPC_PORT|${florin.ports.grpc}`));
});

test('pay follows a payment to its webhook', async () => {
  const { code, out } = await run(['pay', '--target', `127.0.0.1:${florin.ports.grpc}`, '--secret', secret]);
  assert.equal(code, 0, out);
  assert.match(out, /signature ok/);
  assert.match(out, /PAYMENT_STATUS_COMPLETED/);
  const nobody = await run(['pay', '--target', 'localhost:1']);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /make run/);
});

test('webhook verify knows right from wrong', async () => {
  const body = '{"payment_id":"pay-uuid-123","reservation_id":"rsv-123","status":"PAYMENT_STATUS_COMPLETED","amount":100000,"currency":"KRW","timestamp":1234567890,"event_type":"payment.status_updated"}';
  const signature = 'sha256=828bce74b9969bc6955725e58ac96e8900ffaf10986b226bf0538eb93c9d70af';
  const verify = (args) => run(['webhook', 'verify', '--signature', signature, ...args], { input: body });
  assert.equal((await verify(['--at', '1234567999'])).code, 0);
  assert.match((await verify(['--at', '1234568999'])).out, /STALE/);
  assert.match((await verify(['--secret', 'other'])).out, /default secret/);
});

test('bench reconciles every payment', async () => {
  const { code, out } = await run(['bench', '--target', `127.0.0.1:${florin.ports.grpc}`, '--secret', secret, '--rate', '100', '--duration', '2', '--delay-ms', '100', '--scenario', 'approve:3,fail:1', '--json', '--quiet']);
  const report = JSON.parse(out);
  assert.equal(code, 0, out);
  assert.equal(report.acknowledged, 300); // with a second of warming up
  assert.deepEqual([report.failed, report.lost, report.duplicated, report.wrong], [0, 0, 0, 0]);
});

test('the worker says what it lacks', async () => {
  const link = path.join(florin.folder, 'reservation-worker');
  fs.symlinkSync(binary, link);
  const { spawnSync } = await import('node:child_process');
  const start = (env) => spawnSync(link, { encoding: 'utf8', cwd: florin.folder, env: { PATH: process.env.PATH, ...env } });
  const queue = 'http://localhost:1/1/orders';
  for (const [env, lacking] of [
    [{}, /PAYMENT_WEBHOOK_QUEUE_URL is not set/],
    [{ PAYMENT_WEBHOOK_QUEUE_URL: queue, PAYMENT_WEBHOOK_DLQ_URL: 'https://sqs.ap-northeast-2.amazonaws.com/YOUR_ACCOUNT_ID/orders-dlq' }, /PAYMENT_WEBHOOK_DLQ_URL still says YOUR_ACCOUNT_ID/],
    [{ PAYMENT_WEBHOOK_QUEUE_URL: queue, PAYMENT_WEBHOOK_DLQ_URL: 'orders-dlq' }, /PAYMENT_WEBHOOK_DLQ_URL "orders-dlq"/],
    [{ PAYMENT_WEBHOOK_QUEUE_URL: queue, USE_SECRET_MANAGER: 'true' }, /USE_SECRET_MANAGER \(environment\)/],
  ]) {
    const { status, stderr } = start(env);
    assert.equal(status, 2, stderr);
    assert.match(stderr, lacking);
  }
});

/** Opens the page of a payment; nothing on it may fail. */
const showing = (server, id, look) => withPage(async (page) => {
  const errors = [];
  page.on('pageerror', (error) => errors.push(error.message));
  await page.goto(`http://127.0.0.1:${server.ports.http}/pay/${id}`);
  await look(page);
  assert.deepEqual(errors, []);
});

test('the payment page shows the payment live', { skip: browserMissing }, async () => {
  const { payment_intent_id: id } = await florin.create({ metadata: { tags: { delay_ms: '60000' } } });
  await showing(florin, id, async (page) => {
    await page.getByText('PENDING', { exact: true }).waitFor();
    await florin.call('ProcessPayment', { payment_intent_id: id });
    await page.getByText('COMPLETED', { exact: true }).waitFor();
    assert.equal(await page.locator('#amount').textContent(), '50,000 KRW');
  });
});

test('the page of a payment that times out goes on to its expiry', { skip: browserMissing }, async () => {
  const impatient = await Florin.start(['--intent-ttl-ms', '3000']);
  const { payment_intent_id: id } = await impatient.create({ scenario: 'PAYMENT_SCENARIO_TIMEOUT' });
  await showing(impatient, id, async (page) => {
    await page.getByText('EXPIRED', { exact: true }).waitFor();
    await page.getByText('Expired', { exact: false }).last().waitFor();
    assert.equal(await page.getByText('Processing · ', { exact: false }).count(), 1, 'its story tells that it hung at the gateway');
  });
  assert.equal(await impatient.stop(), 0);
});
