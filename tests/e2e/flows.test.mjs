// The load generator of merchant payments, at a rate that any machine holds: what it reports, and what it refuses.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Florin, run } from './florin.mjs';

let florin;
before(async () => {
  florin = await Florin.start([], { APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '7',
    APP_RATE_LIMIT_REFUND_WINDOW_SECONDS: '360000' }); // nobody gets another one back while a slow machine goes on
});
after(async () => { assert.equal(await florin.stop(), 0); });

const bench = async (...args) => {
  const { code, out, err } = await run(['bench', 'payments', '--target', `127.0.0.1:${florin.ports.http}`, '--health-port', String(florin.ports.health),
    '--rate', '100', '--duration', '2', '--warmup', '0', '--json', '--quiet', ...args]);
  return { code, report: out && JSON.parse(out), err };
};

test('bench payments reads back what it was told, and the server counted the same', async () => {
  const { code, report, err } = await bench('--merchants', '50', '--retried', '20', '--read-back', '100');
  assert.equal(code, 0, JSON.stringify(report) + err);
  assert.deepEqual([report.authorized, report.captured, report.refunded, report.completed], [200, 200, 200, 200]);
  assert.deepEqual([report.failed, report.lost, report.duplicated, report.wrong], [0, 0, 0, 0]);
  assert.deepEqual([report.listed, report.detailed], [200, 200]);
  assert.ok(report.replays > 0);
  assert.equal(report.counters.length, 4);
  assert.ok(report.counters.every(({ agrees }) => agrees), JSON.stringify(report.counters));
});

test('bench payments ends with an error when requests fail, and says which', async () => {
  const { code, report } = await bench('--merchants', '1', '--retried', '0');
  assert.equal(code, 1);
  assert.deepEqual([report.captured, report.refunded, report.failed, report.completed], [200, 7, 193, 7]);
  assert.deepEqual([report.lost, report.duplicated, report.wrong], [0, 0, 0]);
  assert.match(report.first_error, /^refund: .*RATE_LIMIT_EXCEEDED/);
});

test('bench payments says when nobody answers, and where its options belong', async () => {
  const nobody = await run(['bench', 'payments', '--target', 'localhost:1', '--health-port', '1', '--quiet']);
  assert.equal(nobody.code, 1);
  assert.match(nobody.err, /--health-port.*cannot connect/);
  const misplaced = await run(['bench', '--rate', '5', 'payments']);
  assert.equal(misplaced.code, 2);
  assert.match(misplaced.err, /--rate.*belongs after/);
});
