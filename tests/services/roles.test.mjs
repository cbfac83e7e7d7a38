// Florin in parts, as deploy/compose.scale.yaml starts it: API instances behind HAProxy, workers, a relay and the gateway
// over one MariaDB. Each part may die; the others go on.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Florin, grpc, noon, payment, receiver, run, until } from '../e2e/florin.mjs';
import { Haproxy, haproxyMissing } from './haproxy.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';

const skip = mariadbMissing() || haproxyMissing();
const admin = 'roles-test-token';
let mariadb, haproxy, hooks;
const parts = { api: [], gateway: [], worker: [], relay: [] };
const all = () => Object.values(parts).flat();

async function part(role) {
  const florin = await Florin.start(['--role', role, '--settlement-utc-offset-minutes', noon.offset], {
    DB_URL: mariadb.url, ADMIN_TOKEN: admin, DEFAULT_DELAY_MS: '300', SETTLEMENT_ENABLED: 'false', MERCHANT_GATEWAYS: 'shop-remote=simulator',
    APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0',
    WEBHOOK_BACKOFF_BASE_MS: '50', SIMULATOR_URL: `http://127.0.0.1:${parts.gateway[0]?.ports.grpc ?? 1}`,
  });
  parts[role].push(florin);
  return florin;
}

before(async () => {
  if (skip) return;
  mariadb = await MariaDb.start();
  hooks = await receiver();
  for (const role of ['gateway', 'api', 'api', 'api', 'worker', 'worker', 'relay']) await part(role);
  haproxy = await Haproxy.start(parts);
}, { timeout: 600_000 });

after(async () => {
  await haproxy?.stop();
  for (const florin of all()) assert.equal(await florin.stop(), 0, florin.log);
  await mariadb?.stop();
  hooks?.close();
});

/** A request to `port`, the load balancer's unless said otherwise. */
function ask(method, target, { body, headers = {}, port = haproxy.ports.http } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port, method, path: target, agent: false, headers: { ...(body && { 'content-type': 'application/json' }), ...headers } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more) => { text += more; }).on('end', () => {
        const json = answer.headers['content-type']?.includes('json') ? JSON.parse(text) : null;
        resolve({ status: answer.statusCode, text, json });
      });
    });
    request.on('error', reject).end(body && JSON.stringify(body));
  });
}

let keys = 0;
const fresh = () => `roles-${process.pid}-${++keys}`;
const post = (target, body, { key = fresh(), ...options } = {}) => ask('POST', target, { body, headers: { 'Idempotency-Key': key }, ...options });
const authorize = (merchantId, amount, options) => post('/payments/authorize', { merchantId, amount, currency: 'KRW' }, options);
const asAdmin = { headers: { Authorization: `Bearer ${admin}` } };

async function captured(merchantId, amount) {
  const { status, json, text } = await authorize(merchantId, amount);
  assert.equal(status, 200, text);
  const taken = await post(`/payments/capture/${json.paymentId}`, { merchantId });
  assert.equal(taken.status, 200, taken.text);
  return json.paymentId;
}

function create(fields = {}) {
  const client = new payment.v1.PaymentService(`127.0.0.1:${haproxy.ports.grpc}`, grpc.credentials.createInsecure());
  return new Promise((resolve, reject) => {
    client.CreatePaymentIntent({ reservation_id: fresh(), user_id: 'user-1', amount: { amount: 50_000, currency: 'KRW' }, scenario: 'PAYMENT_SCENARIO_APPROVE', webhook_url: hooks.url, ...fields },
      new grpc.Metadata(), { deadline: Date.now() + 60_000, waitForReady: true }, (error, answer) => { client.close(); if (error) reject(error); else resolve(answer.payment_intent_id); });
  });
}

const told = (id) => hooks.webhooks.filter(({ json }) => json.payment_id === id);
/** Every one of them was told, and what came twice came with the same id. */
async function allTold(ids, ms = 120_000) {
  await until(`webhooks of ${ids.length} payments`, () => ids.every((id) => told(id).length > 0), ms);
  for (const id of ids) assert.equal(new Set(told(id).map(({ headers }) => headers['x-webhook-id'])).size, 1, `webhooks of ${id}`);
}

const refuses = (port) => ask('GET', '/', { port }).then(() => false, (error) => error.code === 'ECONNREFUSED');

test('each part says what it is and opens no more ports than it needs', { skip }, async () => {
  for (const [role, florins] of Object.entries(parts)) {
    for (const florin of florins) {
      const { body } = await florin.get('health', '/ready');
      assert.equal(JSON.parse(body).role, role);
      assert.equal(await refuses(florin.ports.http), role === 'worker' || role === 'relay', `HTTP of ${role}`);
      assert.equal(await refuses(florin.ports.grpc), role !== 'gateway', `gRPC of ${role}`);
      assert.match(florin.log, new RegExp(`role="${role}"`));
    }
  }
  assert.equal((await ask('GET', '/api/gateway/payments', { port: parts.api[0].ports.http, ...asAdmin })).status, 404);
  assert.equal((await ask('GET', '/payments?merchantId=x', { port: parts.gateway[0].ports.http })).status, 404);
});

test('one address serves them all', { skip }, async () => {
  assert.equal((await ask('GET', '/api/gateway/payments', asAdmin)).status, 200);
  assert.equal((await ask('GET', '/payments?merchantId=x')).status, 200);
  assert.match((await ask('GET', '/')).text, /<html/);
});

test('what one API instance has done, every other knows', { skip }, async () => {
  const key = fresh();
  const first = await authorize('shop', 10_000, { key, port: parts.api[0].ports.http });
  assert.equal(first.status, 200, first.text);
  for (const florin of parts.api) {
    const again = await authorize('shop', 10_000, { key, port: florin.ports.http });
    assert.equal(again.text, first.text, 'the first answer, word for word');
    assert.equal((await authorize('shop', 11_000, { key, port: florin.ports.http })).status, 422);
  }
  const { paymentId } = first.json;
  const answers = await Promise.all(parts.api.map((florin) => post(`/payments/capture/${paymentId}`, { merchantId: 'shop' }, { port: florin.ports.http })));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409], 'one of three captures wins');
  const twins = await Promise.all(parts.api.flatMap((florin) => [1, 2, 3].map(() => authorize('shop', 7_000, { key: 'twins', port: florin.ports.http }))));
  assert.equal(new Set(twins.map(({ json }) => json.paymentId)).size, 1);
});

test('workers decide the payments of the gateway and tell of them, once each', { skip }, async () => {
  const ids = await Promise.all(Array.from({ length: 200 }, () => create()));
  await allTold(ids);
  const { json } = await ask('GET', `/api/gateway/payments/${ids[0]}`, asAdmin);
  assert.equal(json.status, 'PAYMENT_STATUS_COMPLETED');
  // A worker that a busy machine has kept from renewing a lease is taken for dead.
  const lost = (await Promise.all(parts.worker.map((worker) => worker.metric('florin_leases_lost_total')))).reduce((sum, count) => sum + count);
  if (lost === 0) assert.equal(hooks.webhooks.length, ids.length, 'nothing was sent twice while nobody died');
});

test('a merchant that pays through the simulator reaches it in its own process', { skip }, async () => {
  const id = await captured('shop-remote', 4_000);
  assert.equal((await ask('GET', `/payments/${id}?merchantId=shop-remote`)).json.status, 'CAPTURED');
});

test('workers add up the day, and the day is settled over any API instance', { skip }, async () => {
  await Promise.all(Array.from({ length: 20 }, () => captured('shop-settled', 1_000)));
  const day = noon.today();
  await until('the daily sales', async () => {
    const { json } = await ask('GET', `/api/daily-sales?merchantId=shop-settled&from=${day}&to=${day}`);
    return JSON.stringify(json).includes('20000');
  });
  const run = await ask('POST', `/api/settlements/run?day=${day}&early=true`, asAdmin);
  assert.equal(run.status, 200, run.text);
  const { json } = await ask('GET', '/api/settlements?merchantId=shop-settled', asAdmin);
  assert.equal(json.settlements[0].paid, 20_000);
});

test('an API instance may die: the others serve on, and it comes back', { skip }, async () => {
  const [victim] = parts.api;
  let going = true;
  let paid = 0;
  const failed = [];
  const shop = async () => {
    while (going) {
      const { status, text } = await authorize('shop-alive', 1_000).catch((error) => ({ text: error.message }));
      if (status === 200) paid += 1;
      else failed.push(`${status} ${text}`);
    }
  };
  const shops = Array.from({ length: 8 }, shop);
  try {
    const more = async (count) => { const before = paid; await until(`${count} more payments`, () => paid >= before + count, 60_000); };
    await more(50);
    await victim.kill();
    await more(50);
    await victim.run();
    await more(50);
    victim.process.kill('SIGTERM');
    await victim.exited;
    assert.equal(victim.process.exitCode, 0);
    await more(50);
    await victim.run();
  } finally {
    going = false;
    await Promise.all(shops);
  }
  assert.deepEqual(failed, [], 'with a key, the load balancer may send again what a dead instance did not answer');
  assert.equal(Number(await mariadb.value("SELECT COUNT(*) FROM payment WHERE merchant_id = 'shop-alive'")), paid, 'and none of it happened twice');
});

test('a worker may die at any moment: another takes its work over', { skip }, async () => {
  const ids = [];
  for (const victim of parts.worker) {
    ids.push(...await Promise.all(Array.from({ length: 100 }, () => create())));
    await victim.kill();
    ids.push(...await Promise.all(Array.from({ length: 100 }, () => create())));
    await allTold(ids);
    await victim.run();
  }
});

test('without a worker nothing is lost; it is done when one comes', { skip }, async () => {
  for (const florin of parts.worker) await florin.kill();
  const ids = await Promise.all(Array.from({ length: 50 }, () => create()));
  assert.equal((await authorize('shop', 1_000)).status, 200, 'merchants notice nothing');
  for (const florin of parts.worker) await florin.run();
  await allTold(ids);
});

test('the gateway may die: what it acknowledged is decided all the same', { skip }, async () => {
  const ids = await Promise.all(Array.from({ length: 50 }, () => create()));
  await parts.gateway[0].kill();
  await allTold(ids);
  await parts.gateway[0].run();
  await until('the gateway behind the load balancer', () => create().then(() => true, () => false), 120_000);
});

test('the ledger agrees with everything that was done', { skip }, async () => {
  const verified = await run(['ledger', 'verify'], { env: { DB_URL: mariadb.url } });
  assert.equal(verified.code, 0, verified.out + verified.err);
});

test('a part that needs others refuses a database of its own', { skip: false }, async () => {
  const { code, err } = await run(['serve', '--role', 'api']);
  assert.equal(code, 2);
  assert.match(err, /FLORIN_ROLE .*nobody does the work of the worker.*DB_URL/);
});
