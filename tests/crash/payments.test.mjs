// Kills the server with SIGKILL at random moments while merchants authorize, capture, refund and void, and holds it to
// every answer it gave: nothing lost, nothing done twice, nothing told twice.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { Florin, run, until } from '../e2e/florin.mjs';
import { MerchantLoad } from './merchant_load.mjs';
import { merchants, queries, random, reconcile, settings } from './reconcile.mjs';

const rounds = Number(process.env.CRASH_ROUNDS ?? 20);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

/** The rows of each query, by its name. */
async function stored(florin, queries) {
  const script = 'import json, sqlite3, sys; d = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True); print(json.dumps({n: d.execute(q).fetchall() for n, q in json.loads(sys.argv[2]).items()}))';
  const { stdout } = await promisify(execFile)('python3', ['-c', script, path.join(florin.folder, 'data', 'florin.db'), JSON.stringify(queries)], { maxBuffer: 1 << 28 });
  return JSON.parse(stdout);
}

test(`${rounds} kills leave every merchant payment done once and told once (CRASH_SEED=${seed})`, { timeout: 900_000 }, async (t) => {
  const next = random(seed);
  const florin = await Florin.start(['--log-level', 'error'], settings);
  const load = new MerchantLoad(florin, merchants, next);
  t.after(async () => { load.gate.close(); await florin.stop(); }); // also when something is amiss
  for (let round = 0; round < rounds; ++round) {
    const moment = Date.now() + 30 + next() * 500;
    const enough = load.answers.length + 11; // a slow machine takes longer to have something to lose
    await until('the moment to kill', () => load.failed || (Date.now() >= moment && load.answers.length >= enough));
    load.gate.close();
    await florin.kill();
    await load.park();
    await florin.run();
    await load.check();
    load.gate.open();
  }
  await load.end();
  await until('the recovery to end', async () => (await stored(florin, queries)).payments.every(([, , due]) => due === null), 180_000);
  await load.checkAll();
  reconcile(load, await stored(florin, queries));
  const verified = await run(['ledger', 'verify', '--data-dir', path.join(florin.folder, 'data')]);
  assert.equal(verified.code, 0, verified.out + verified.err);
  console.log(`${load.payments.length} payments and ${load.answers.length} answers reconciled after ${rounds} kills: ${JSON.stringify(load.counts)}`);
  assert.ok(load.answers.length > rounds * 10, `only ${load.answers.length} answers came`);
  assert.ok(load.counts.broken > 0, 'no kill met a request under way');
  assert.equal(await florin.stop(), 0);
});
