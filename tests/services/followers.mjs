// What whoever follows the events of merchants' payments must have been told when a MerchantLoad has ended: readers of
// Kafka's topics, and the consumer group that adds up the daily sales.
import assert from 'node:assert/strict';
import { until } from '../e2e/florin.mjs';

/** The topic of each event of a merchant's payment. */
export const paymentTopics = ['authorized', 'authorization-failed', 'capture-requested', 'captured', 'capture-failed', 'refund-requested', 'refunded', 'refund-failed', 'void-requested', 'voided'].map((event) => `payment.${event}`);

/** Every event that is stored comes to its topic: under one id, however often, and with the payment's story. */
export async function everyEventIsPublished(load, rows, tape) {
  const stored = rows.events.map(([id]) => id);
  let missing = stored;
  await until('every event on its topic', () => {
    const arrived = new Set(tape.messages.map(({ headers }) => headers.id.replaceAll('-', '')));
    missing = stored.filter((id) => !arrived.has(id));
    return missing.length === 0;
  }, 180_000).catch((error) => { throw new Error(`${error.message}: ${missing.length} of ${stored.length} are missing`); });
  const seen = new Set();
  const told = new Map();
  for (const { key, value, headers } of tape.messages) {
    if (seen.has(headers.id)) continue;
    seen.add(headers.id);
    const { type, data } = JSON.parse(value);
    const payment = key.replaceAll('-', '');
    told.set(payment, [...(told.get(payment) ?? []), `${type} ${data.amount}`]);
  }
  // Order holds within a topic; each of these has topics of its own.
  for (const payment of load.payments)
    assert.deepEqual((told.get(payment.id.replaceAll('-', '')) ?? []).sort(), [...payment.events].sort(), `the events of ${payment.id} on Kafka`);
}

/** Each capture and each refund is counted once in the daily sales that `florin` tells of. */
export async function dailySalesAgree(load, florin) {
  const expected = {};
  for (const { merchant, events } of load.payments) {
    const sales = expected[merchant] ??= { captures: 0, captured: 0, refunds: 0, refunded: 0 };
    for (const [type, amount] of events.map((event) => event.split(' '))) {
      if (type === 'payment.captured') { sales.captures += 1; sales.captured += Number(amount); }
      if (type === 'payment.refunded') { sales.refunds += 1; sales.refunded += Number(amount); }
    }
  }
  for (const [merchant, sales] of Object.entries(expected)) {
    let found;
    await until(`the daily sales of ${merchant}`, async () => {
      const { days } = await florin.json(`/api/daily-sales?merchantId=${merchant}`);
      found = days.reduce((sum, { captures, refunds }) => ({
        captures: sum.captures + captures.count, captured: sum.captured + captures.amount, refunds: sum.refunds + refunds.count, refunded: sum.refunded + refunds.amount,
      }), { captures: 0, captured: 0, refunds: 0, refunded: 0 });
      return Object.keys(sales).every((name) => found[name] >= sales[name]);
    }, 180_000).catch((error) => { throw new Error(`${error.message} to be ${JSON.stringify(sales)}: they are ${JSON.stringify(found)}\n${florin.log.slice(-5_000)}`); });
    assert.deepEqual(found, sales, `the daily sales of ${merchant}`);
  }
}
