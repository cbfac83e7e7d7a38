// A process that is told to end while its database is away: it ends in its time, whatever it waits for.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { Florin, until } from '../e2e/florin.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';

const shutdownMs = 3_000;
// Nothing is asked of the database then that has no end of its own; the longest is a query, a minute.
const marginMs = 120_000;
const commit = Buffer.from('\x03COMMIT'); // as a query goes over the wire

/** Stands before a server; once told to, it breaks everything off at the next COMMIT, and hangs up on who comes. */
class Guillotine {
  static async before(port) {
    const guillotine = new Guillotine();
    Object.assign(guillotine, { port, armed: false, fallen: false, sockets: new Set() });
    guillotine.server = net.createServer((near) => guillotine.join(near)).listen(0, '127.0.0.1');
    await once(guillotine.server, 'listening');
    guillotine.address = `127.0.0.1:${guillotine.server.address().port}`;
    return guillotine;
  }

  join(near) {
    if (this.fallen) return near.destroy();
    const far = net.connect(this.port, '127.0.0.1');
    for (const [from, to] of [[near, far], [far, near]]) {
      from.setNoDelay(true);
      this.sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => { to.destroy(); this.sockets.delete(from); });
    }
    far.on('data', (bytes) => near.write(bytes));
    near.on('data', (bytes) => {
      if (this.armed && bytes.includes(commit)) this.fall();
      else far.write(bytes);
    });
    return near;
  }

  fall() {
    this.fallen = true;
    for (const socket of this.sockets) socket.destroy();
  }

  close() {
    this.fall();
    this.server.close();
  }
}

describe('a process that is told to end while its database is away', { skip: mariadbMissing() }, () => {
  let mariadb, guillotine, florin;
  before(async () => {
    mariadb = await MariaDb.start();
    guillotine = await Guillotine.before(mariadb.port);
  });
  after(async () => {
    await florin?.stop();
    guillotine?.close();
    await mariadb?.stop();
  });

  const start = async (place) => {
    florin = await Florin.start(['--role', 'worker', '--shutdown-timeout-ms', shutdownMs], { DB_URL: `mariadb://florin:florin@${place}/florin?tls=off` });
  };
  const endsInTime = async () => {
    const begun = Date.now();
    florin.process.kill('SIGTERM');
    await until('the end', () => !florin.runs, shutdownMs + marginMs);
    assert.deepEqual([florin.process.exitCode, florin.process.signalCode], [0, null], florin.log);
    console.log(`ended after ${Date.now() - begun} ms`);
  };

  test('ends when the database went away inside the commit of its beat', { timeout: 300_000 }, async () => {
    await start(guillotine.address);
    guillotine.armed = true;
    await until('the cut', () => guillotine.fallen);
    await until('the commit to be in doubt', () => florin.log.includes('finding out what became of it'));
    await endsInTime();
  });

  test('ends when the database hangs', { timeout: 300_000 }, async () => {
    await start(mariadb.address);
    mariadb.pause();
    await endsInTime().finally(() => mariadb.resume());
  });
});
