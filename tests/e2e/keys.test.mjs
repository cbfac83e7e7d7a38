import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Florin, run, until } from './florin.mjs';

const keyForm = /^flk_[A-Za-z0-9_-]{43}$/;
const adminToken = 'operator-token-of-this-test';
let florin;
let count = 0;

before(async () => { florin = await Florin.start(['--merchant-auth', 'keys'], { ADMIN_TOKEN: adminToken, APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0' }); });
after(async () => { assert.equal(await florin.stop(), 0); });

async function pay(server, operation, fields, headers = {}) {
  const body = JSON.stringify({ merchantId: 'shop-1', ...fields });
  const answer = await server.get('http', `/api/payments/${operation}`, {
    method: 'POST', headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body), ...headers }, body,
  });
  return { status: answer.status, headers: answer.headers, json: JSON.parse(answer.body) };
}

const bearer = (key) => ({ Authorization: `Bearer ${key}` });
const authorize = (headers, fields = {}, server = florin) => pay(server, 'authorize', { amount: 50_000, currency: 'KRW', idempotencyKey: `keys-${process.pid}-${++count}`, ...fields }, headers);

async function admin(method, target, fields) {
  const body = fields && JSON.stringify(fields);
  const answer = await florin.get('http', target, { method, headers: { ...bearer(adminToken), ...(body && { 'Content-Length': Buffer.byteLength(body) }) }, body });
  return { status: answer.status, json: JSON.parse(answer.body) };
}

async function create(fields, merchant = 'shop-1') {
  const { status, json } = await admin('POST', `/api/merchants/${merchant}/keys`, fields);
  assert.equal(status, 201, JSON.stringify(json));
  assert.match(json.key, keyForm);
  return json;
}

function refused(answer, status, code) {
  assert.equal(answer.status, status, JSON.stringify(answer.json));
  assert.deepEqual(Object.keys(answer.json), ['code', 'message', 'paymentId']);
  assert.equal(answer.json.code, code);
  assert.equal(answer.json.paymentId, null);
  assert.match(answer.headers['www-authenticate'], /^Bearer realm=/);
}

const keys = (args, server = florin) => run(['keys', ...args, '--url', `http://127.0.0.1:${server.ports.http}`], { env: { ADMIN_TOKEN: adminToken }, cwd: server.folder });

test('in the open mode nobody needs a key', async () => {
  const open = await Florin.start();
  try {
    assert.equal((await authorize({}, {}, open)).status, 200);
    assert.equal((await authorize(bearer('whatever'), {}, open)).status, 200);
  } finally {
    await open.stop();
  }
});

test('without a key, or with one that is none, a payment is refused with 401', async () => {
  refused(await authorize({}), 401, 'UNAUTHORIZED');
  refused(await authorize(bearer('secret')), 401, 'UNAUTHORIZED');
  refused(await authorize(bearer(`flk_${'A'.repeat(43)}`)), 401, 'UNAUTHORIZED');
  refused(await authorize({ Authorization: 'Basic c2hvcDpzaG9w' }), 401, 'UNAUTHORIZED');
  assert.equal((await florin.get('http', '/payments?merchantId=shop-1')).status, 401);
});

test('who is not known is told so, whatever else is wrong with the request', async () => {
  const { key } = await create({});
  const post = (headers, type = 'application/json') => florin.get('http', '/payments/authorize', {
    method: 'POST', headers: { 'Content-Type': type, 'Content-Length': 1, ...headers }, body: '{',
  });
  assert.equal((await post({})).status, 401);
  assert.equal((await post({}, 'text/plain')).status, 401);
  assert.equal((await post(bearer(key))).status, 400);
  assert.equal((await post(bearer(key), 'text/plain')).status, 415);
  for (const target of ['/payments', '/payments/no-id', '/api/settlements/no-id', '/api/daily-sales?limit=none']) {
    assert.equal((await florin.get('http', target)).status, 401, target);
  }
});

test('a key opens the payments of its merchant, in either header, and of no other', async () => {
  const { key } = await create({ name: 'till 1' });
  assert.equal((await authorize(bearer(key))).status, 200);
  assert.equal((await authorize({ 'X-Api-Key': key })).status, 200);
  refused(await authorize(bearer(key), { merchantId: 'shop-2' }), 403, 'FORBIDDEN');
});

test('a key does what its scopes say', async () => {
  const reader = await create({ scopes: ['payments:read'] });
  const writer = await create({ scopes: ['payments:write'] });
  const refunder = await create({ scopes: ['refunds:write'] });
  refused(await authorize(bearer(reader.key)), 403, 'FORBIDDEN');
  const { json: payment } = await authorize(bearer(writer.key));
  const show = (key) => florin.get('http', `/payments/${payment.paymentId}?merchantId=shop-1`, { headers: bearer(key) });
  assert.equal((await show(writer.key)).status, 403);
  assert.equal((await show(reader.key)).status, 200);
  const capture = `capture/${payment.paymentId}`;
  const refund = `refund/${payment.paymentId}`;
  refused(await pay(florin, capture, {}, bearer(refunder.key)), 403, 'FORBIDDEN');
  assert.equal((await pay(florin, capture, {}, bearer(writer.key))).status, 200);
  refused(await pay(florin, refund, { reason: 'returned' }, bearer(writer.key)), 403, 'FORBIDDEN');
  assert.equal((await pay(florin, refund, { reason: 'returned' }, bearer(refunder.key))).status, 200);
});

test('a revoked key is refused at once, on every loop', async () => {
  const { key, keyId } = await create({});
  for (let i = 0; i < 20; ++i) assert.equal((await authorize(bearer(key))).status, 200);
  assert.equal((await admin('DELETE', `/api/merchants/shop-1/keys/${keyId}`)).json.state, 'revoked');
  for (let i = 0; i < 20; ++i) refused(await authorize(bearer(key)), 401, 'UNAUTHORIZED');
});

test('a rotated key is good until its grace ends, which may be at once', async () => {
  const { key, keyId } = await create({ name: 'web', scopes: ['payments:write'] });
  const { status, json: fresh } = await admin('POST', `/api/merchants/shop-1/keys/${keyId}/rotate`);
  assert.equal(status, 201);
  assert.equal(fresh.name, 'web');
  assert.deepEqual(fresh.scopes, ['payments:write']);
  assert.equal(fresh.replaces.state, 'retiring');
  const grace = Date.parse(fresh.replaces.expiresAt) - Date.parse(fresh.createdAt);
  assert.equal(grace, 24 * 3_600_000);
  assert.equal((await authorize(bearer(key))).status, 200);
  assert.equal((await authorize(bearer(fresh.key))).status, 200);
  await admin('POST', `/api/merchants/shop-1/keys/${keyId}/rotate`, { graceHours: 0 });
  refused(await authorize(bearer(key)), 401, 'UNAUTHORIZED');
  assert.equal((await authorize(bearer(fresh.key))).status, 200);
});

test('the operator\'s routes ask for the admin token', async () => {
  const answer = await florin.get('http', '/api/merchants/shop-1/keys', { method: 'POST' });
  assert.equal(answer.status, 401);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal((await florin.get('http', '/api/merchant-keys')).status, 401);
});

test('the command makes, lists, rotates and revokes keys', async () => {
  const made = await keys(['create', '--merchant', 'shop 9 ü', '--name', 'till', '--scope', 'payments:read', '--scope', 'payments:write', '--expires-days', '30']);
  assert.equal(made.code, 0, made.err);
  const key = made.out.trim();
  assert.match(key, keyForm);
  assert.match(made.err, /not shown again/);
  const merchantId = 'shop 9 ü';
  assert.equal((await authorize(bearer(key), { merchantId })).status, 200);
  await until('the use to be recorded', async () => /"lastUsedAt":"/.test((await keys(['list', '--merchant', merchantId, '--json'])).out));
  const [{ keyId, ...listed }] = JSON.parse((await keys(['list', '--merchant', merchantId, '--json'])).out);
  assert.equal(listed.hint, key.slice(0, 10));
  assert.deepEqual(listed.scopes, ['payments:read', 'payments:write']);
  const table = (await keys(['list'])).out;
  assert.match(table, new RegExp(`${keyId} .* active `));
  assert.ok(!table.includes(key.slice(10)));
  const rotated = await keys(['rotate', keyId, '--grace-hours', '1']);
  assert.match(rotated.out.trim(), keyForm);
  assert.match(rotated.err, /good until/);
  assert.equal((await authorize(bearer(key), { merchantId })).status, 200);
  assert.match((await keys(['revoke', keyId])).out, /^Revoked/);
  refused(await authorize(bearer(key), { merchantId }), 401, 'UNAUTHORIZED');
  assert.equal((await authorize(bearer(rotated.out.trim()), { merchantId })).status, 200);
});

test('a merchant whose id holds a slash has keys like any other', async () => {
  const merchantId = 'shops/7 100%';
  const made = await keys(['create', '--merchant', merchantId]);
  assert.equal(made.code, 0, made.err);
  assert.equal((await authorize(bearer(made.out.trim()), { merchantId })).status, 200);
  refused(await authorize(bearer(made.out.trim()), { merchantId: 'shops' }), 403, 'FORBIDDEN');
  const [{ keyId, merchantId: listed }] = JSON.parse((await keys(['list', '--merchant', merchantId, '--json'])).out);
  assert.equal(listed, merchantId);
  assert.equal((await keys(['rotate', keyId])).code, 0);
  assert.equal((await keys(['revoke', keyId])).code, 0);
  refused(await authorize(bearer(made.out.trim()), { merchantId }), 401, 'UNAUTHORIZED');
});

test('the command says what is wrong', async () => {
  assert.equal((await keys(['create'])).code, 2);
  assert.equal((await keys(['create', '--merchant', 'shop-1', '--scope', 'payments:all'])).code, 2);
  const unknown = await keys(['revoke', '01890a5d-ac96-774b-bcce-b302099a8057']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /no such key/);
  const outsider = await run(['keys', 'list', '--url', `http://127.0.0.1:${florin.ports.http}`, '--admin-token', 'wrong']);
  assert.equal(outsider.code, 1);
  assert.match(outsider.err, /ADMIN_TOKEN/);
});

test('keys outlive a crash, and neither the database nor the log holds their text', async () => {
  const { key } = await create({});
  const { key: revoked, keyId } = await create({});
  assert.equal((await authorize(bearer(key))).status, 200);
  await admin('DELETE', `/api/merchants/shop-1/keys/${keyId}`);
  await florin.kill();
  const { log } = florin;
  await florin.run();
  assert.equal((await authorize(bearer(key))).status, 200);
  refused(await authorize(bearer(revoked)), 401, 'UNAUTHORIZED');
  const data = path.join(florin.folder, 'data');
  const secret = key.slice('flk_'.length);
  for (const name of fs.readdirSync(data)) assert.ok(!fs.readFileSync(path.join(data, name)).includes(secret), name);
  for (const text of [log, florin.log]) assert.ok(!text.includes(secret));
});

test('production asks for keys, and refuses to be open', async () => {
  const environment = { ENVIRONMENT: 'production' };
  const production = await Florin.start([], environment);
  try {
    refused(await authorize({}, {}, production), 401, 'UNAUTHORIZED');
    assert.equal((await production.get('http', '/api/merchant-keys')).status, 403);
  } finally {
    await production.stop();
  }
  const { code, err } = await run(['serve', '--merchant-auth', 'open'], { env: { ...environment, WEBHOOK_SECRET: 'a-secret-of-enough-length' } });
  assert.equal(code, 2);
  assert.match(err, /MERCHANT_AUTH \(--merchant-auth\): "open"/);
});
