// Kills the server with SIGKILL at random moments under load and reconciles everything it acknowledged.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Florin, receiver, until } from '../e2e/florin.mjs';

const rounds = Number(process.env.CRASH_ROUNDS ?? 20);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

function random(state) {
  return () => { state = (state * 1_103_515_245 + 12_345) % 2_147_483_648; return state / 2_147_483_648; };
}

test(`${rounds} kills lose nothing that was acknowledged (CRASH_SEED=${seed})`, { timeout: 900_000 }, async () => {
  const next = random(seed);
  const byPayment = new Map(); // payment id -> Map(webhook id -> Set of statuses)
  const { url, webhooks, close } = await receiver();
  const florin = await Florin.start(['--log-level', 'error', '--webhook-backoff-base-ms', '100', '--webhook-max-attempts', '20']);
  const acknowledged = new Map(); // payment id -> the status it has to get
  let number = 0;
  let unanswered = 0;
  for (let round = 0; round < rounds; ++round) {
    let alive = true;
    const worker = async () => {
      while (alive) {
        const fail = next() < 0.3;
        try {
          const { payment_intent_id: id } = await florin.create({
            reservation_id: `crash-${++number}`, webhook_url: url,
            scenario: fail ? 'PAYMENT_SCENARIO_FAIL' : 'PAYMENT_SCENARIO_APPROVE',
            metadata: { tags: { delay_ms: String(Math.floor(next() * 300)) } },
          });
          acknowledged.set(id, fail ? 'PAYMENT_STATUS_FAILED' : 'PAYMENT_STATUS_COMPLETED');
        } catch (error) {
          ++unanswered; // whether it took effect is unknown, so nothing is expected of it
          if (alive && ![14, 13, 1].includes(error.code)) throw error;
          if (error.code === 14) return; // the server is gone
        }
      }
    };
    const workers = Array.from({ length: 16 }, worker);
    const moment = Date.now() + 50 + next() * 800;
    const enough = acknowledged.size + 11; // a slow machine takes longer to have something to lose
    await until('the moment to kill', () => Date.now() >= moment && acknowledged.size >= enough);
    await florin.kill();
    alive = false;
    await Promise.all(workers);
    await florin.run();
  }
  assert.ok(acknowledged.size > rounds * 10, `only ${acknowledged.size} payments were acknowledged`);
  await until('every webhook', () => {
    for (; webhooks.length > 0;) {
      const { headers, json } = webhooks.pop();
      const ids = byPayment.get(json.payment_id) ?? new Map();
      byPayment.set(json.payment_id, ids.set(headers['x-webhook-id'], (ids.get(headers['x-webhook-id']) ?? new Set()).add(json.status)));
    }
    for (const id of acknowledged.keys()) if (!byPayment.has(id)) return false;
    return true;
  }, 180_000);
  for (const [id, status] of acknowledged) {
    const told = byPayment.get(id);
    assert.equal(told.size, 1, `${id} has more than one outcome notification`);
    assert.deepEqual([...told.values()].flatMap((statuses) => [...statuses]), [status], id);
    assert.equal(await florin.status(id), status, id);
  }
  console.log(`${acknowledged.size} acknowledged payments reconciled after ${rounds} kills, ${unanswered} calls without an answer`);
  await florin.stop();
  close();
});
