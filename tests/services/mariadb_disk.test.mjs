// The disk under MariaDB fills up while merchants pay, and has room again: nobody has to start Florin again, and every
// answer holds. MariaDB waits for space for its binary log, and looks for it once a minute; it refuses what needs a new
// page of a table, and ends when a rollback finds none. Then it is started again, as systemd would.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { MerchantLoad } from '../crash/merchant_load.mjs';
import { merchants, random, reconcile, rowsOf, settings } from '../crash/reconcile.mjs';
import { Florin, run, until } from '../e2e/florin.mjs';
import { mariadbMissing } from './mariadb.mjs';
import { MariaDbOnSmallDisk, smallDiskMissing } from './small_disk.mjs';

const other = 'shop-beside'; // merchants that the load knows nothing of
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

// Both at once: MariaDB looks for space once a minute, and that is most of what either takes.
describe('a full disk under MariaDB', { skip: mariadbMissing() || smallDiskMissing(), concurrency: 2 }, () => {
  for (const [log, options] of [['a binary log', {}], ['no binary log', { 'skip-log-bin': 1 }]]) describe(`with ${log}`, () => {
    let mariadb, florin, load;
    before(async () => {
      mariadb = await MariaDbOnSmallDisk.start({ settings: options });
      mariadb.watch();
      florin = await Florin.start(['--log-level', 'warning'], { ...settings, DB_URL: mariadb.url });
      load = new MerchantLoad(florin, merchants, random(seed));
    });
    after(async () => {
      load?.gate.close();
      await florin?.stop();
      await mariadb?.stop();
    });

    async function stored() {
      const rows = await rowsOf(mariadb);
      rows.payments = rows.payments.filter(([, key]) => !key.startsWith(other));
      return rows;
    }

    const memoryKib = () => Number(/VmRSS:\s+(\d+)/.exec(fs.readFileSync(`/proc/${florin.process.pid}/status`, 'utf8'))[1]);
    const answered = (count) => () => { if (load.failed) throw load.failed; return load.answers.length > count; };

    /** An authorization that is refused for now; false: it needed no new page, or its commit hangs in MariaDB. */
    async function refusal(attempt) {
      const answer = await florin.get('http', '/payments/authorize', {
        method: 'POST', headers: { 'content-type': 'application/json' }, signal: AbortSignal.timeout(20_000),
        body: JSON.stringify({ merchantId: `${other}-${attempt % 4}`, idempotencyKey: `full-${attempt}`, amount: 100, currency: 'KRW' }),
      }).catch((error) => { if (error.name !== 'AbortError') throw error; });
      if (answer?.status !== 503) return false;
      assert.equal(answer.headers['retry-after'], '1');
      return JSON.parse(answer.body);
    }

    test(`is told of, and is over when there is room again (CRASH_SEED=${seed})`, { timeout: 400_000 }, async () => {
      await until('payments', answered(300), 60_000);
      const memory = memoryKib();
      mariadb.disk.fill();
      const reason = await until('/ready to be red', async () => {
        const { status, body } = await florin.get('health', '/ready');
        return status === 503 && JSON.parse(body).dependencies.store.reason;
      }, 60_000);
      assert.match(reason, /the database 127\.0\.0\.1:\d+\/florin/);
      let attempt = 0;
      const refused = await until('a refusal', () => refusal(++attempt), 60_000);
      assert.equal(refused.code, 'STORE_UNAVAILABLE');
      for (let more = 0; more < 20; ++more) await refusal(++attempt);
      const grown = memoryKib() - memory;
      assert.ok(grown < 256 << 10, `Florin has grown by ${grown} KiB while the disk was full`);

      const before = load.answers.length;
      mariadb.disk.free();
      await until('payments to go on', answered(before + 300), 180_000);
      await until('/ready to be green', async () => (await florin.get('health', '/ready')).status === 200, 60_000);
      await load.end();
      await until('the recovery to end', async () => (await stored()).payments.every(([, , due]) => due === null), 120_000);
      await load.checkAll();
      reconcile(load, await stored());
      const verified = await run(['ledger', 'verify'], { env: { DB_URL: mariadb.url } });
      assert.equal(verified.code, 0, verified.out + verified.err);
      console.log(`with ${log}: ${load.payments.length} payments and ${load.answers.length} answers reconciled, MariaDB started ${mariadb.restarts} times again; "${reason}"`);
      assert.equal(await florin.stop(), 0);
    });
  });
});
