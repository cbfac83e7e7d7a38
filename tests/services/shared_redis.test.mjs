// Two processes that share a Redis: one limit for both, answers from the cache, and a Redis that comes and goes.
import assert from 'node:assert/strict';
import http from 'node:http';
import { after, before, test } from 'node:test';
import { Florin, run, until } from '../e2e/florin.mjs';
import { Clock, clockMissing } from './clock.mjs';
import { Redis, redisMissing } from './redis.mjs';

const skip = redisMissing();
const password = 'not-to-be-shown';
const patience = '5000'; // ms for one command, on a machine that does other things meanwhile
let redis, first, second;
const both = () => [first, second];

before(async () => {
  if (skip) return;
  redis = await Redis.start({ settings: { requirepass: password } });
  const environment = { REDIS_URL: redis.url, REDIS_TIMEOUT_MS: patience, SETTLEMENT_ENABLED: 'false', APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '6', APP_RATE_LIMIT_AUTHORIZE_WINDOW_SECONDS: '36000' };
  first = await Florin.start([], environment);
  second = await Florin.start([], environment);
  for (const florin of both()) await counts(florin);
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
/** Returns when Redis is reached and the breaker is closed: a merchant of its own is refused again and again. */
async function counts(florin) {
  const merchant = `probe-${++keys}`;
  let refused = 0;
  await until('the limit to count', async () => {
    refused = (await authorize(florin, merchant)).status === 429 ? refused + 1 : 0;
    return refused === 10;
  }, 120_000);
}
/** Starts both anew, with this time-out and a breaker that remembers nothing. */
async function restart(timeout) {
  for (const florin of both()) {
    await florin.kill();
    florin.environment.REDIS_TIMEOUT_MS = timeout;
    await florin.run();
    await counts(florin);
  }
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
  const hits = await first.metric('florin_answer_cache_lookups_total{result="hit"}');
  for (let i = 0; i < 10; ++i) {
    const again = await authorize(first, 'shop-replay', asked);
    assert.equal(again.text, told.text);
    assert.equal(again.headers['idempotent-replayed'], 'true');
  }
  assert.equal(await first.metric('florin_answer_cache_lookups_total{result="hit"}'), hits + 10);
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
  await restart('300');
  for (const florin of both()) await until('the limit', async () => (await authorize(florin, 'shop-paused')).status === 429);
  redis.pause();
  for (let i = 0; i < 20; ++i) assert.equal((await authorize(both()[i % 2], 'shop-paused')).status, 200);
  for (const florin of both()) {
    await until('the breaker', async () => { await authorize(florin, 'shop-paused'); return (await redisOf(florin)).status === 'down'; });
    const ready = await florin.get('health', '/ready');
    assert.equal(ready.status, 200, ready.body);
    assert.equal((await redisOf(florin)).required, false);
    assert.ok(await florin.metric('florin_rate_limiter_failures_total') > 0);
  }
  redis.resume();
  for (const florin of both()) await until('the limit to count again', async () => (await authorize(florin, 'shop-paused')).status === 429, 120_000);
  await restart(patience);
});

test('a Redis that was killed counts again when it is back', { skip }, async () => {
  await redis.kill();
  for (const florin of both()) assert.equal((await authorize(florin, 'shop')).status, 200);
  await redis.run();
  for (const florin of both()) await counts(florin);
  assert.equal(await allowed('shop', 12), 6, 'what it had counted is gone with it');
});

test('a clock that is set back while Redis is away keeps nobody from counting again', { skip: skip || clockMissing() }, async () => {
  const clock = new Clock(redis.folder);
  const florin = await Florin.start([], { ...first.environment, ...clock.environment });
  try {
    await counts(florin);
    await redis.kill();
    await until('the breaker', async () => { await authorize(florin, 'shop-clock'); return /not called/.test((await redisOf(florin)).reason); });
    clock.shift(-3_600);
    const { json: { paymentId } } = await authorize(florin, 'shop-clock');
    const { createdAt } = await florin.json(`/payments/${paymentId}?merchantId=shop-clock`);
    assert.ok(Date.now() - Date.parse(createdAt) > 1_800_000, `it is ${createdAt} for this process`);
    await redis.run();
    await counts(florin);
  } finally {
    assert.equal(await florin.stop(), 0, florin.log);
    if (!redis.alive) await redis.run();
  }
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
