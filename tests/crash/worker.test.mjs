// Kills the reservation worker with SIGKILL at random moments and looks for effects that were lost or repeated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { until } from '../e2e/florin.mjs';
import { Worker, inventory, outcome, queue, reservationApi } from '../e2e/reservations.mjs';

const kills = Number(process.env.CRASH_ROUNDS ?? 20);

test(`${kills} kills of the worker lose no message and repeat no effect under another key`, { timeout: 600_000 }, async () => {
  const sqs = await queue({ visibilityMs: 2_000 });
  const api = await reservationApi();
  const seats = await inventory();
  const worker = new Worker({ AWS_ENDPOINT_URL: sqs.url, PAYMENT_WEBHOOK_QUEUE_URL: `${sqs.url}/1/orders`, RESERVATION_API_BASE: api.url, INVENTORY_GRPC_ADDR: seats.address });
  await worker.run();
  const wanted = new Map();
  let number = 0;
  for (let round = 0; round < kills; ++round) {
    for (let i = 0; i < 50; ++i) {
      const id = `rsv-${++number}`;
      wanted.set(id, number % 3 === 0 ? 'CANCELLED' : 'CONFIRMED');
      sqs.put(outcome(id, number % 3 === 0 ? 'FAILED' : 'COMPLETED'));
      if (i % 10 === 0) sqs.put(outcome(id, number % 3 === 0 ? 'FAILED' : 'COMPLETED'));
    }
    const handled = api.patches.length + 5 + Math.floor(Math.random() * 40);
    await until('some effects', () => api.patches.length >= handled || sqs.messages.size === 0);
    await worker.kill();
    await worker.run();
  }
  await until('an empty queue', () => sqs.messages.size === 0, 120_000);
  const effects = new Map(); // reservation -> Set of `status key`: what an API that honours keys would have done
  for (const { id, status, key } of api.patches) effects.set(id, (effects.get(id) ?? new Set()).add(`${status} ${key}`));
  assert.equal(effects.size, wanted.size);
  for (const [id, status] of wanted) {
    assert.equal(effects.get(id).size, 1, `${id} has ${[...effects.get(id)]}`);
    assert.ok([...effects.get(id)][0].startsWith(status), `${id} is not ${status}`);
  }
  const sold = new Set(seats.calls.map(({ method, id, key }) => `${method} ${id} ${key}`));
  assert.equal(sold.size, wanted.size);
  assert.equal(await worker.stop(), 0);
  for (const each of [seats, api, sqs]) each.close();
});

test('killed after the effect and before the delete, it does not repeat the effect', { timeout: 300_000 }, async (t) => {
  const sqs = await queue({ visibilityMs: 2_000 });
  const api = await reservationApi();
  const seats = await inventory();
  let deletes = 0;
  sqs.failWith((action) => (action === 'DeleteMessage' && ++deletes ? 500 : null));
  const worker = new Worker({ AWS_ENDPOINT_URL: sqs.url, PAYMENT_WEBHOOK_QUEUE_URL: `${sqs.url}/1/orders`, RESERVATION_API_BASE: api.url, INVENTORY_GRPC_ADDR: seats.address });
  t.after(async () => {
    assert.equal(await worker.stop(), 0, worker.log);
    for (const each of [seats, api, sqs]) each.close();
  });
  await worker.run();
  sqs.put(outcome('rsv-once', 'COMPLETED'));
  await until('the delete that fails', () => deletes > 0);
  await worker.kill();
  assert.equal(sqs.messages.size, 1);
  sqs.failWith(() => null);
  await worker.run();
  await until('an empty queue', () => sqs.messages.size === 0);
  assert.deepEqual(api.patches.map(({ id, status }) => [id, status]), [['rsv-once', 'CONFIRMED']]);
  assert.deepEqual(seats.calls.map(({ id, method }) => [id, method]), [['rsv-once', 'commit']]);
});
