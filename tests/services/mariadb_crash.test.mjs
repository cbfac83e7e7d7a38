// Kills Florin, MariaDB or both with SIGKILL at random moments while merchants pay: every answer that was given must
// hold. CRASH_ROUNDS and CRASH_SEED as in tests/crash.
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { MerchantLoad } from '../crash/merchant_load.mjs';
import { merchants, random, reconcile, rowsOf, settings } from '../crash/reconcile.mjs';
import { Florin, run, until } from '../e2e/florin.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';

const rounds = Number(process.env.CRASH_ROUNDS ?? 15);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

describe('one process over MariaDB', { skip: mariadbMissing() }, () => {
  let mariadb, environment;
  before(async () => {
    mariadb = await MariaDb.start();
    environment = { ...settings, DB_URL: mariadb.url };
  });
  after(() => mariadb?.stop());

  const stored = () => rowsOf(mariadb);

  test(`${rounds} kills of it, of the server or of both lose nothing and do nothing twice (CRASH_SEED=${seed})`, { timeout: 900_000 }, async (t) => {
    const next = random(seed);
    const florin = await Florin.start(['--log-level', 'error'], environment);
    const load = new MerchantLoad(florin, merchants, next);
    t.after(async () => { load.gate.close(); await florin.stop(); }); // also when something is amiss
    for (let round = 0; round < rounds; ++round) {
      const moment = Date.now() + 30 + next() * 700;
      const enough = load.answers.length + 11; // a slow machine takes longer to have something to lose
      await until('the moment to kill', () => load.failed || (Date.now() >= moment && load.answers.length >= enough));
      load.gate.close();
      const dice = next();
      if (dice > 0.3) await mariadb.kill();
      if (dice < 0.7) await florin.kill();
      if (dice > 0.3) await mariadb.run();
      if (dice < 0.7) await florin.run();
      // A server that was left alone goes on by itself.
      await until('the server to be ready', async () => (await florin.get('health', '/ready')).status === 200, 120_000);
      await load.park();
      await load.check();
      load.gate.open();
    }
    await load.end();
    await until('the recovery to end', async () => (await stored()).payments.every(([, , due]) => due === null), 180_000);
    await load.checkAll();
    reconcile(load, await stored());
    const verified = await run(['ledger', 'verify'], { env: environment });
    assert.equal(verified.code, 0, verified.out + verified.err);
    console.log(`${load.payments.length} payments and ${load.answers.length} answers reconciled after ${rounds} kills: ${JSON.stringify(load.counts)}`);
    assert.ok(load.counts.broken > 0, 'no kill met a request under way');
    assert.equal(await florin.stop(), 0);
  });
});
