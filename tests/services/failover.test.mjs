// A failover that leads to another database than before, an empty one or an older one, while merchants pay: nothing is
// written to it, every request is refused, and once the right one is back nothing that was acknowledged is missing.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { describe, test } from 'node:test';
import { MerchantLoad } from '../crash/merchant_load.mjs';
import { merchants, random, reconcile, rowsOf, settings } from '../crash/reconcile.mjs';
import { Florin, freePort, run, until } from '../e2e/florin.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';

const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);

/** Florin as in production, where `florin migrate` makes the schema, over a MariaDB of its own with merchants who pay. */
class World {
  static async start(t) {
    const world = new World();
    world.mariadb = await MariaDb.start();
    t.after(() => world.mariadb.stop());
    world.environment = { ...settings, DB_URL: world.mariadb.url, DB_MIGRATE: 'false' };
    await world.refuseAnEmptyOne();
    const migrated = await run(['migrate'], { env: world.environment });
    assert.equal(migrated.code, 0, migrated.out + migrated.err);
    world.florin = await Florin.start(['--log-level', 'error'], world.environment);
    t.after(() => world.florin.stop());
    world.load = new MerchantLoad(world.florin, merchants, random(seed));
    t.after(() => world.load.gate.close()); // also when something is amiss
    return world;
  }

  /** What a process does that is started over the database as it is: it has no tables. */
  async refuseAnEmptyOne() {
    const ports = { GRPC_PORT: await freePort(), HTTP_PORT: '0', HEALTH_PORT: '0' };
    const { code, out, err } = await run(['serve', '--bind-address', '127.0.0.1'], { env: { ...this.environment, ...ports } });
    assert.equal(code, 1, out + err);
    assert.match(out + err, /lacks (\d+) of \1 migrations.*it is not the right one.*florin migrate/);
    const doctor = await run(['doctor'], { env: this.environment });
    assert.equal(doctor.code, 1, doctor.out);
    assert.match(doctor.out, /refuses this database[^]*it is not the right one/);
  }

  async pay(answers) {
    const enough = this.load.answers.length + answers;
    await until('merchants to pay', () => this.load.failed || this.load.answers.length >= enough, 300_000);
    assert.ifError(this.load.failed);
  }

  async rest() {
    this.load.gate.close();
    await this.load.park();
  }

  async refused(reason) {
    await until(`/ready to say ${reason}`, async () => {
      const ready = await this.florin.get('health', '/ready');
      return ready.status === 503 && reason.test(ready.body);
    }, 120_000);
    const { answers } = this.load;
    const answered = answers.length;
    const post = (target, fields) => {
      const body = JSON.stringify({ merchantId: 'shop-1', ...fields });
      return this.florin.get('http', target, { method: 'POST', headers: { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) }, body });
    };
    for (let i = 0; i < 50; ++i) {
      const { request } = answers[Math.floor(i * answered / 50)];
      for (const answer of [
        await post('/payments/authorize', { idempotencyKey: `refused-${i}`, amount: 1_000, currency: 'KRW' }),
        await post(request.target, request.body), // it was acknowledged, and must not become another payment
        await this.florin.get('http', '/payments?merchantId=shop-1'),
      ]) assert.equal(answer.status, 503, answer.body);
    }
    assert.equal(answers.length, answered, 'no merchant is answered');
    assert.ifError(this.load.failed);
  }

  /** After the right database has come back: everything holds, and it goes on. */
  async goOn() {
    await this.florin.run();
    await this.load.check();
    this.load.gate.open();
    await this.pay(100);
    await this.load.end();
    const stored = () => rowsOf(this.mariadb);
    await until('the recovery to end', async () => (await stored()).payments.every(([, , due]) => due === null), 180_000);
    await this.load.checkAll();
    reconcile(this.load, await stored());
    const verified = await run(['ledger', 'verify'], { env: this.environment });
    assert.equal(verified.code, 0, verified.out + verified.err);
    assert.equal(await this.florin.stop(), 0);
  }
}

/** A checksum of every table, by its name. */
async function sums(mariadb) {
  const tables = await mariadb.sql("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = database() AND table_type = 'BASE TABLE' ORDER BY 1");
  return mariadb.sql(`CHECKSUM TABLE ${tables.map(({ name }) => name).join(', ')}`);
}

describe(`a failover while merchants pay (CRASH_SEED=${seed})`, { skip: mariadbMissing() }, () => {
  test('to an empty database writes nothing to it, and a process that starts there is refused', { timeout: 900_000 }, async (t) => {
    const world = await World.start(t);
    const { florin, mariadb } = world;
    await world.pay(100);
    await mariadb.kill();
    const empty = await MariaDb.start({ port: mariadb.port, serverId: 2 });
    t.after(() => empty.stop());
    await world.refused(/holds no tables of Florin/);
    await world.rest();
    await florin.kill();
    await world.refuseAnEmptyOne();
    await assert.rejects(florin.run(), /the server has ended:[^]*it is not the right one/);
    assert.deepEqual(await empty.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'florin'"), []);
    await empty.halt();
    await mariadb.run();
    await world.goOn();
  });

  test('to an older copy writes nothing to it, until somebody starts Florin again', { timeout: 900_000 }, async (t) => {
    const world = await World.start(t);
    const { florin, load, mariadb } = world;
    const data = mariadb.file('data');
    const exchange = (left, taken) => { fs.renameSync(data, left); fs.renameSync(taken, data); };
    await world.pay(100);
    await world.rest();
    await mariadb.halt();
    fs.cpSync(data, mariadb.file('older'), { recursive: true });
    await mariadb.run();
    load.gate.open();
    await world.pay(100);
    await mariadb.kill();
    exchange(mariadb.file('newer'), mariadb.file('older'));
    const { port } = mariadb;
    mariadb.port = await freePort(); // where nobody else looks at it
    await mariadb.run();
    const before = await sums(mariadb);
    await mariadb.halt();
    mariadb.port = port;
    await mariadb.run();
    await world.refused(/has gone back in time/);
    assert.deepEqual(await sums(mariadb), before, 'nothing is written');
    await world.rest();
    await florin.kill();
    await florin.run(); // what it was before, nobody has told it
    await florin.kill();
    await mariadb.halt();
    exchange(mariadb.file('older'), mariadb.file('newer'));
    await mariadb.run();
    await world.goOn();
  });
});
