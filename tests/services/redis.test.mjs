// The Redis that the other tests start: it does what they rely on.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { Redis, redisMissing } from './redis.mjs';

describe('a Redis by hand', { skip: redisMissing() }, () => {
  let redis;
  before(async () => { redis = await Redis.start({ settings: { requirepass: 'secret' } }); });
  after(() => redis?.stop());

  test('answers whoever knows the password', async () => {
    assert.equal(await redis.command('SET', 'a', '1'), 'OK');
    assert.equal(await redis.command('GET', 'a'), '1');
    assert.match(redis.url, /^redis:\/\/:secret@127\.0\.0\.1:\d+\/0$/);
  });

  test('comes back empty after it was killed', async () => {
    await redis.kill();
    await redis.run();
    assert.equal(await redis.command('GET', 'a'), '');
  });

  test('leaves no folder and no process', async () => {
    const { folder, process: { pid } } = redis;
    await redis.stop();
    assert.equal(fs.existsSync(folder), false);
    assert.throws(() => process.kill(pid, 0));
  });
});
