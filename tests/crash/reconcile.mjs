// What must be so when merchants have paid while processes were killed: nothing lost, nothing done twice, nothing told twice.
import assert from 'node:assert/strict';

export const settings = {
  APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0',
  APP_IDEMPOTENCY_CACHE_TTL_SECONDS: '0', MERCHANT_FEE_BASIS_POINTS: '300', MERCHANT_GATEWAYS: 'shop-sim=simulator',
  GATEWAY_TIMEOUT_MS: '500', IDEMPOTENCY_PATIENCE_MS: '500', RECOVERY_AFTER_MS: '600',
  RECOVERY_BACKOFF_BASE_MS: '20', RECOVERY_BACKOFF_MAX_MS: '200',
  // Some payments are left open on purpose: they must not close the way for the others.
  GATEWAY_CB_FAILURE_THRESHOLD: '100', GATEWAY_CB_MIN_CALLS: '100', GATEWAY_CB_WAIT_DURATION: '1',
};
export const merchants = ['shop-1', 'shop-1', 'shop-1', 'shop-2', 'shop-2', 'shop-3', 'shop-4', 'shop-5', 'shop-sim', 'shop-sim', 'shop-sim', 'shop-sim'];

export function random(state) {
  return () => { state = (state * 1_103_515_245 + 12_345) % 2_147_483_648; return state / 2_147_483_648; };
}

/** For SQLite, and for MariaDB with PIPES_AS_CONCAT. */
export const queries = {
  payments: "SELECT lower(hex(id)), merchant_id || ' ' || idempotency_key, due_at FROM merchant_payment",
  events: "SELECT lower(hex(event_id)), replace(aggregate_id, '-', ''), event_type || ' ' || json_extract(payload, '$.data.amount') FROM outbox WHERE aggregate_type = 'merchant_payment' ORDER BY seq",
  letters: "SELECT replace(message_key, '-', '') FROM dead_letter WHERE consumer_group = 'gateway-recovery'",
  intents: "SELECT replace(reservation_id, '-', ''), amount FROM gateway_intent",
  refunds: "SELECT replace(reservation_id, '-', ''), sum(r.amount) FROM gateway_refund r JOIN gateway_intent i ON i.id = r.intent_id GROUP BY 1",
};

/** What a MariaDB has of all that is reconciled. */
export async function rowsOf(mariadb) {
  const rows = {};
  for (const [name, query] of Object.entries(queries))
    rows[name] = (await mariadb.sql(`SET sql_mode = 'PIPES_AS_CONCAT'; ${query}`)).map((row) => Object.values(row));
  for (const row of [...rows.intents, ...rows.refunds]) row[1] = Number(row[1]);
  return rows;
}

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

/** `rows`: of the queries, as lists of columns. */
export function reconcile(load, rows) {
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
