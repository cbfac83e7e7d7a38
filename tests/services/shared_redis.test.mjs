// Two processes that share a Redis: one limit for both, answers from the cache, and a Redis that comes and goes.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Florin, run, until } from '../e2e/florin.mjs';
import { Redis, redisMissing } from './redis.mjs';

const skip = redisMissing();
const password = 'not-to-be-shown';
let redis, first, second;
const both = () => [first, second];

before(async () => {
  if (skip) return;
  redis = await Redis.start({ settings: { requirepass: password } });
  // The time-out leaves room for a machine that does other things meanwhile.
  const environment = { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: '500', SETTLEMENT_ENABLED: 'false', APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '6', APP_RATE_LIMIT_AUTHORIZE_WINDOW_SECONDS: '36000' };
  first = await Florin.start([], environment);
  second = await Florin.start([], environment);
  for (const florin of both()) await until('Redis to be reached', () => redisOf(florin).then(({ status }) => status === 'up'));
});

after(async () => {
  for (const florin of both()) if (florin) assert.equal(await florin.stop(), 0, florin.log);
  await redis?.stop();
});

let keys = 0;
function authorize(florin, merchantId, { key = `key-${++keys}`, amount = 1_000 } = {}) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: florin.ports.http, method: 'POST', path: '/payments/authorize', agent: false, headers: { 'content-type': 'application/json', 'idempotency-key': key } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more) => { text += more; }).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text, json: JSON.parse(text) }));
    });
    request.on('error', reject).end(JSON.stringify({ merchantId, amount, currency: 'KRW' }));
  });
}
const redisOf = async (florin) => JSON.parse((await florin.get('health', '/ready')).body).dependencies.redis;
async function metric(florin, series) {
  const { body } = await florin.get('health', '/metrics');
  const line = body.split('\n').find((text) => text.startsWith(`${series} `));
  return line ? Number(line.slice(series.length + 1)) : 0;
}
/** Authorizations of a merchant that both let through one after the other, in turns. */
async function allowed(merchant, calls) {
  let count = 0;
  for (let i = 0; i < calls; ++i) count += (await authorize(both()[i % 2], merchant)).status === 200 ? 1 : 0;
  return count;
}

test('two instances let a merchant through as often as one', { skip }, async () => {
  assert.equal(await allowed('shop', 12), 6);
  for (const florin of both()) {
    const refused = await authorize(florin, 'shop');
    assert.equal(refused.status, 429);
    assert.ok(Number(refused.headers['retry-after']) > 0);
  }
  assert.equal((await authorize(second, 'another')).status, 200);
  assert.match(await redis.command('GET', 'rate:authorize:shop'), /^\d+\.\d{3}$/);
});

test('a replay is answered from the cache, even beyond the limit and whatever happened to the key', { skip }, async () => {
  const asked = { key: 'once', amount: 5_000 };
  const told = await authorize(first, 'shop-replay', asked);
  assert.equal(told.status, 200);
  await until('the cache', () => redis.command('EXISTS', 'idem:authorize:shop-replay:once').then((found) => found === '1'));
  const hits = await metric(first, 'florin_answer_cache_lookups_total{result="hit"}');
  for (let i = 0; i < 10; ++i) {
    const again = await authorize(first, 'shop-replay', asked);
    assert.equal(again.text, told.text);
    assert.equal(again.headers['idempotent-replayed'], 'true');
  }
  assert.equal(await metric(first, 'florin_answer_cache_lookups_total{result="hit"}'), hits + 10);
  assert.equal((await authorize(first, 'shop-replay', { ...asked, amount: 5_001 })).status, 422);
  await redis.command('SET', 'idem:authorize:shop-replay:once', 'broken');
  assert.equal((await authorize(first, 'shop-replay', asked)).text, told.text);
});

test('another database never answers with what this one committed', { skip }, async () => {
  const asked = { key: 'two-databases' };
  const here = await authorize(first, 'shop-two', asked);
  await until('the cache', () => redis.command('EXISTS', 'idem:authorize:shop-two:two-databases').then((found) => found === '1'));
  const there = await authorize(second, 'shop-two', asked);
  assert.equal(there.headers['idempotent-replayed'], undefined);
  assert.notEqual(there.json.paymentId, here.json.paymentId);
});

test('a Redis that hangs limits nobody and stops nobody', { skip }, async () => {
  assert.equal(await allowed('shop-paused', 8), 6);
  redis.pause();
  for (let i = 0; i < 20; ++i) assert.equal((await authorize(both()[i % 2], 'shop-paused')).status, 200);
  for (const florin of both()) {
    await until('the breaker', async () => { await authorize(florin, 'shop-paused'); return (await redisOf(florin)).status === 'down'; });
    const ready = await florin.get('health', '/ready');
    assert.equal(ready.status, 200, ready.body);
    assert.equal((await redisOf(florin)).required, false);
    assert.ok(await metric(florin, 'florin_rate_limiter_failures_total') > 0);
  }
  redis.resume();
  for (const florin of both()) await until('the limit to count again', async () => (await authorize(florin, 'shop-paused')).status === 429, 30_000);
});

test('a Redis that was killed counts again when it is back', { skip }, async () => {
  await redis.kill();
  for (const florin of both()) assert.equal((await authorize(florin, 'shop')).status, 200);
  await redis.run();
  for (const florin of both()) await until('Redis to be reached', async () => { await authorize(florin, 'shop-probe'); return (await redisOf(florin)).status === 'up'; }, 30_000);
  assert.equal(await allowed('shop', 12), 6, 'what it had counted is gone with it');
});

test('nobody is shown its password', { skip }, async () => {
  const env = { REDIS_URL: redis.url };
  for (const args of [['config'], ['config', '--json'], ['doctor']]) {
    const { out, err } = await run(args, { env });
    assert.doesNotMatch(out + err, new RegExp(password), args.join(' '));
    assert.match(out, /redis:\/\/:\*\*\*@127\.0\.0\.1:\d+\/0/, args.join(' '));
  }
  const { out: wrong } = await run(['doctor'], { env: { REDIS_URL: redis.url.replace(password, 'wrong-word') } });
  assert.match(wrong, /refuses the user or password of REDIS_URL/);
  assert.doesNotMatch(wrong, /wrong-word/);
  const { code, out, err } = await run(['config'], { env: { REDIS_URL: `redis://user:${password}@host:port/0` } });
  assert.notEqual(code, 0);
  assert.match(out + err, /REDIS_URL \(environment\): the address has a malformed port; give one such as redis:/);
  assert.doesNotMatch(out + err, new RegExp(password));
  for (const florin of both()) assert.doesNotMatch(florin.log, new RegExp(password));
});
