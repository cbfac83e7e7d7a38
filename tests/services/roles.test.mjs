// Florin in parts, with the settings of deploy/compose.scale.yaml and as many as it starts: API instances behind HAProxy,
// workers, a relay and the gateway over one MariaDB, Kafka and Redis. Each part may die; the others go on.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Florin, grpc, noon, payment, receiver, run, secret, until } from '../e2e/florin.mjs';
import { composeServices, environmentOf, redisFlags } from './compose.mjs';
import { Haproxy, haproxyMissing } from './haproxy.mjs';
import { Kafka } from './kafka.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';
import { Redis, redisMissing } from './redis.mjs';
import { toolMissing } from './tools.mjs';

const skip = mariadbMissing() || haproxyMissing() || redisMissing() || toolMissing('kafka');
const services = composeServices();
// What whoever starts the file has to give. MariaDb makes its user with this password.
const variables = { DB_PASSWORD: 'florin', REDIS_PASSWORD: 'roles-test-redis', WEBHOOK_SECRET: secret, ADMIN_TOKEN: 'roles-test-token' };
// Events that a test waits for, on this machine: nothing else differs from the file.
const ofTheTest = {
  DEFAULT_DELAY_MS: '300', WEBHOOK_BACKOFF_BASE_MS: '50', WEBHOOK_ALLOW_PRIVATE: 'true', SETTLEMENT_ENABLED: 'false', MERCHANT_GATEWAYS: 'shop-remote=simulator',
  // High enough to refuse nobody, so that Redis is asked each time.
  APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '1000000', APP_RATE_LIMIT_CAPTURE_CAPACITY: '1000000', APP_RATE_LIMIT_REFUND_CAPACITY: '1000000',
};
let mariadb, kafka, redis, haproxy, hooks;
const parts = { gateway: [], api: [], worker: [], relay: [] };
const all = () => Object.values(parts).flat();

function environment(service) {
  const [host, port] = mariadb.address.split(':');
  return {
    ...environmentOf(services[service], variables, { 'redis:6379': redis.address, 'kafka:9092': kafka.servers, 'gateway:8030': `127.0.0.1:${parts.gateway[0]?.ports.grpc ?? 1}` }),
    DB_HOST: host, DB_PORT: port,
  };
}

before(async () => {
  if (skip) return;
  [mariadb, kafka, redis] = await Promise.all([MariaDb.start(), Kafka.start(), Redis.start({ settings: redisFlags(services.redis, variables) })]);
  hooks = await receiver();
  const migrated = await run(services.migrate.command.slice(1), { env: environment('migrate') });
  assert.equal(migrated.code, 0, migrated.out + migrated.err);
  for (const [role, florins] of Object.entries(parts)) {
    for (let replicas = services[role].deploy?.replicas ?? 1; replicas > 0; --replicas)
      florins.push(await Florin.start(['--settlement-utc-offset-minutes', noon.offset], { ...environment(role), ...ofTheTest }));
  }
  haproxy = await Haproxy.start(parts);
}, { timeout: 900_000 });

after(async () => {
  await haproxy?.stop();
  for (const florin of all()) assert.equal(await florin.stop(), 0, florin.log);
  for (const server of [mariadb, kafka, redis]) await server?.stop();
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
const asAdmin = { headers: { Authorization: `Bearer ${variables.ADMIN_TOKEN}` } };
const merchants = new Map();
/** What a merchant sends so that it is known: production asks for keys. */
function as(merchantId) {
  if (!merchants.has(merchantId)) {
    merchants.set(merchantId, ask('POST', `/api/merchants/${merchantId}/keys`, { body: {}, ...asAdmin }).then(({ status, json, text }) => {
      assert.equal(status, 201, text);
      return { Authorization: `Bearer ${json.key}` };
    }));
  }
  return merchants.get(merchantId);
}
const look = async (merchantId, target) => ask('GET', target, { headers: await as(merchantId) });
const post = async (target, body, { key = fresh(), ...options } = {}) => ask('POST', target, { body, headers: { 'Idempotency-Key': key, ...await as(body.merchantId) }, ...options });
const authorize = (merchantId, amount, options) => post('/payments/authorize', { merchantId, amount, currency: 'KRW' }, options);

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
      assert.match(florin.log, new RegExp(`"role":"${role}"`));
    }
  }
  assert.equal((await ask('GET', '/api/gateway/payments', { port: parts.api[0].ports.http, ...asAdmin })).status, 404);
  assert.equal((await ask('GET', '/payments?merchantId=x', { port: parts.gateway[0].ports.http })).status, 404);
});

test('each part needs what its work needs, and reaches it', { skip }, async () => {
  const needed = { api: ['store', 'redis'], gateway: ['store'], worker: ['store', 'kafka'], relay: ['store', 'kafka'] };
  for (const [role, florins] of Object.entries(parts)) {
    for (const florin of florins) {
      const states = await until(`everything to be up for ${role}`, async () => {
        const { dependencies } = JSON.parse((await florin.get('health', '/ready')).body);
        return Object.values(dependencies).every(({ status }) => status === 'up') && dependencies;
      }, 180_000);
      assert.deepEqual(Object.keys(states).sort(), needed[role].sort(), role);
    }
  }
});

test('production lets in nobody without a key', { skip }, async () => {
  assert.equal((await ask('POST', '/payments/authorize', { body: { merchantId: 'shop', amount: 1, currency: 'KRW' } })).status, 401);
  assert.equal((await ask('GET', '/api/merchant-keys')).status, 401);
});

test('one address serves them all', { skip }, async () => {
  assert.equal((await ask('GET', '/api/gateway/payments', asAdmin)).status, 200);
  assert.equal((await look('x', '/payments?merchantId=x')).status, 200);
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
  assert.equal((await look('shop-remote', `/payments/${id}?merchantId=shop-remote`)).json.status, 'CAPTURED');
});

test('workers add up the day, and the day is settled over any API instance', { skip }, async () => {
  await Promise.all(Array.from({ length: 20 }, () => captured('shop-settled', 1_000)));
  const day = noon.today();
  await until('the daily sales', async () => {
    const { json } = await look('shop-settled', `/api/daily-sales?merchantId=shop-settled&from=${day}&to=${day}`);
    return JSON.stringify(json).includes('20000');
  }, 180_000);
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
    const more = async (count) => { const before = paid; await until(`${count} more payments`, () => paid >= before + count, 180_000); };
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
  const verified = await run(['ledger', 'verify'], { env: environment('api') });
  assert.equal(verified.code, 0, verified.out + verified.err);
});

test('a part that needs others refuses a database of its own', { skip: false }, async () => {
  const { code, err } = await run(['serve', '--role', 'api']);
  assert.equal(code, 2);
  assert.match(err, /FLORIN_ROLE .*nobody does the work of the worker.*DB_URL/);
});
