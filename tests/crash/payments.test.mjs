// Kills the server with SIGKILL at random moments while merchants authorize, capture, refund and void, and holds it to
// every answer it gave: nothing lost, nothing done twice, nothing told twice.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Florin, run, until } from '../e2e/florin.mjs';
import { MerchantLoad } from './merchant_load.mjs';

const rounds = Number(process.env.CRASH_ROUNDS ?? 20);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const settings = {
  APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0',
  APP_IDEMPOTENCY_CACHE_TTL_SECONDS: '0', MERCHANT_FEE_BASIS_POINTS: '300', MERCHANT_GATEWAYS: 'shop-sim=simulator',
  GATEWAY_TIMEOUT_MS: '100', IDEMPOTENCY_PATIENCE_MS: '100', RECOVERY_AFTER_MS: '150',
  RECOVERY_BACKOFF_BASE_MS: '20', RECOVERY_BACKOFF_MAX_MS: '200',
  // Some payments are left open on purpose: they must not close the way for the others.
  GATEWAY_CB_FAILURE_THRESHOLD: '100', GATEWAY_CB_MIN_CALLS: '100', GATEWAY_CB_WAIT_DURATION: '1',
};
const merchants = ['shop-1', 'shop-1', 'shop-1', 'shop-2', 'shop-2', 'shop-3', 'shop-4', 'shop-5', 'shop-sim', 'shop-sim', 'shop-sim', 'shop-sim'];

function random(state) {
  return () => { state = (state * 1_103_515_245 + 12_345) % 2_147_483_648; return state / 2_147_483_648; };
}

/** The rows of each query, by its name. */
async function stored(florin, queries) {
  const script = 'import json, sqlite3, sys; d = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True); print(json.dumps({n: d.execute(q).fetchall() for n, q in json.loads(sys.argv[2]).items()}))';
  const { stdout } = await promisify(execFile)('python3', ['-c', script, path.join(florin.folder, 'data', 'florin.db'), JSON.stringify(queries)], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout);
}

const queries = {
  payments: "SELECT lower(hex(id)), merchant_id || ' ' || idempotency_key, due_at FROM merchant_payment",
  events: "SELECT lower(hex(event_id)), replace(aggregate_id, '-', ''), event_type || ' ' || json_extract(payload, '$.data.amount') FROM outbox_event WHERE aggregate_type = 'merchant_payment' ORDER BY seq",
  letters: "SELECT replace(message_key, '-', '') FROM dead_letter WHERE consumer_group = 'gateway-recovery'",
  intents: "SELECT replace(reservation_id, '-', ''), amount FROM gateway_intent",
  refunds: "SELECT replace(reservation_id, '-', ''), sum(r.amount) FROM gateway_refund r JOIN gateway_intent i ON i.id = r.intent_id GROUP BY 1",
};

function grouped(rows) {
  const groups = new Map();
  for (const [key, value] of rows) groups.set(key, [...(groups.get(key) ?? []), value]);
  return groups;
}

/** What the simulator holds back for nobody: what was not captured or was given back. */
function givenBack({ status, amount, captured, refunded }) {
  if (status === 'VOIDED') return amount;
  return captured > 0 ? amount - captured + refunded : 0;
}

function reconcile(load, rows) {
  const named = new Map(load.payments.map((payment) => [payment.id.replaceAll('-', ''), payment]));
  assert.equal(named.size, load.payments.length, 'each authorization made a payment of its own');
  assert.deepEqual(new Map(rows.payments.map(([id, key]) => [id, key])), new Map([...named].map(([id, { merchant, key }]) => [id, `${merchant} ${key}`])));

  assert.equal(new Set(rows.events.map(([id]) => id)).size, rows.events.length, 'each event has an id of its own');
  const told = grouped(rows.events.map(([, payment, event]) => [payment, event]));
  for (const [id, payment] of named) assert.deepEqual(told.get(id) ?? [], payment.events, `the events of ${id}`);

  const open = [...named].filter(([, payment]) => payment.open).map(([id]) => id);
  assert.deepEqual(rows.letters.map(([id]) => id).sort(), open.sort(), 'what no gateway ever answered waits for people, once');

  const intents = grouped(rows.intents);
  const refunds = new Map(rows.refunds);
  for (const [id, payment] of named) {
    if (!payment.simulated) continue;
    assert.deepEqual(intents.get(id), [payment.amount], `${id} at the simulator`);
    assert.equal(refunds.get(id) ?? 0, givenBack(payment), `${id} given back by the simulator`);
  }
}

test(`${rounds} kills leave every merchant payment done once and told once (CRASH_SEED=${seed})`, { timeout: 600_000 }, async (t) => {
  const next = random(seed);
  const florin = await Florin.start(['--log-level', 'error'], settings);
  const load = new MerchantLoad(florin, merchants, next);
  t.after(async () => { load.gate.close(); await florin.stop(); }); // also when something is amiss
  for (let round = 0; round < rounds; ++round) {
    const moment = Date.now() + 30 + next() * 500;
    await until('the moment to kill', () => load.failed || Date.now() >= moment);
    load.gate.close();
    await florin.kill();
    await load.park();
    await florin.run();
    await load.check();
    load.gate.open();
  }
  await load.end();
  await until('the recovery to end', async () => (await stored(florin, queries)).payments.every(([, , due]) => due === null), 60_000);
  await load.checkAll();
  reconcile(load, await stored(florin, queries));
  const verified = await run(['ledger', 'verify', '--data-dir', path.join(florin.folder, 'data')]);
  assert.equal(verified.code, 0, verified.out + verified.err);
  console.log(`${load.payments.length} payments and ${load.answers.length} answers reconciled after ${rounds} kills: ${JSON.stringify(load.counts)}`);
  assert.ok(load.answers.length > rounds * 10, `only ${load.answers.length} answers came`);
  assert.ok(load.counts.broken > 0, 'no kill met a request under way');
  assert.equal(await florin.stop(), 0);
});
