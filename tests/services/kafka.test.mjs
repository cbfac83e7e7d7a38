// The broker that the other tests start: it does what they rely on.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { until } from '../e2e/florin.mjs';
import { Kafka } from './kafka.mjs';
import { toolMissing } from './tools.mjs';

describe('a Kafka broker by hand', { skip: toolMissing('kafka') }, () => {
  let kafka;
  before(async () => { kafka = await Kafka.start(); });
  after(() => kafka?.stop());

  test('takes messages as they are and gives them back in order', async () => {
    await kafka.topics.create(['first'], { partitions: 1 });
    await kafka.topics.produce([
      { topic: 'first', key: 'a', value: '{"n":1}', headers: { id: '1' } },
      { topic: 'first', value: Buffer.from([0xff, 0x00]) },
      { topic: 'first', key: 'a' },
    ]);
    const [json, poison, tombstone] = await kafka.topics.read('first', 3);
    assert.deepEqual([json.key, json.value, json.headers], ['a', '{"n":1}', { id: '1' }]);
    assert.deepEqual([poison.key, [...poison.bytes]], [null, [0xff, 0x00]]);
    assert.deepEqual([tombstone.key, tombstone.value], ['a', null]);
  });

  test('comes back with its messages after it was killed, and whoever followed goes on', async () => {
    await kafka.topics.create(['second']);
    const tape = kafka.topics.follow(['second']);
    await kafka.topics.produce([{ topic: 'second', key: 'k', value: 'before' }]);
    await tape.first(1);
    await kafka.kill();
    await kafka.run();
    await kafka.topics.produce([{ topic: 'second', key: 'k', value: 'after' }]);
    assert.deepEqual((await tape.first(2)).map(({ value }) => value), ['before', 'after']);
  });

  test('answers after a pause what was asked during it', async () => {
    kafka.pause();
    const asked = kafka.topics.names();
    kafka.resume();
    assert.ok((await asked).includes('first'));
    await until('the next answer', () => kafka.topics.answers());
  });

  test('leaves no folder and no process', async () => {
    const { folder, process: { pid } } = kafka;
    await kafka.stop();
    assert.equal(fs.existsSync(folder), false);
    assert.throws(() => process.kill(pid, 0));
  });
});
