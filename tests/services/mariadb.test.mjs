// The MariaDB that the other tests start: it does what they rely on.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { MariaDb, mariadbMissing } from './mariadb.mjs';

describe('a MariaDB by hand', { skip: mariadbMissing() }, () => {
  let mariadb;
  before(async () => { mariadb = await MariaDb.start(); });
  after(() => mariadb?.stop());

  test('writes rows into its binary log, and Debezium may read it', async () => {
    assert.equal(await mariadb.value('SELECT @@binlog_format'), 'ROW');
    assert.equal(await mariadb.value('SELECT @@log_bin'), '1');
    await mariadb.sql('CREATE TABLE payment_outbox (id INT)');
    await mariadb.admitDebezium();
    const grants = (await mariadb.sql("SHOW GRANTS FOR debezium@'%'")).map((row) => Object.values(row)[0]).join('\n');
    assert.match(grants, /REPLICATION SLAVE/);
  });

  test('gives rows as objects of texts', async () => {
    assert.deepEqual(await mariadb.sql("SELECT 1 AS n, 'tab\\tand line\\n' AS t, NULL AS none"), [{ n: '1', t: 'tab\tand line\n', none: null }]);
    await assert.rejects(mariadb.sql('SELECT nothing'), /Unknown column/);
  });

  test('comes back with what was committed after it was killed', async () => {
    await mariadb.sql('CREATE TABLE t (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO t VALUES (1)');
    await mariadb.kill();
    await mariadb.run();
    assert.equal(await mariadb.value('SELECT COUNT(*) FROM t'), '1');
  });

  test('leaves no folder and no process', async () => {
    const { folder, process: { pid } } = mariadb;
    await mariadb.stop();
    assert.equal(fs.existsSync(folder), false);
    assert.throws(() => process.kill(pid, 0));
  });
});
