// The suites of the embedded database that know nothing of its file, once more over MariaDB: clients notice nothing.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { root } from '../e2e/florin.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';

/** How a suite ended, and what it said. */
const suite = (name, env) => new Promise((resolve) => {
  execFile(process.execPath, ['--test', '--test-reporter=tap', path.join(root, `tests/e2e/${name}.test.mjs`)], { env, maxBuffer: 1 << 28 }, (error, out, err) => resolve({ code: error?.code ?? 0, out: out + err }));
});

describe('over MariaDB', { skip: mariadbMissing() }, () => {
  let mariadb, env;
  before(async () => {
    mariadb = await MariaDb.start();
    const { NODE_TEST_CONTEXT, ...own } = process.env; // a suite of its own reports for itself
    env = { ...own, E2E_MARIADB_SOCKET: mariadb.file('sock') };
  });
  after(() => mariadb?.stop());

  for (const name of ['service', 'receivers', 'payments', 'settlement', 'flows', 'seats']) {
    test(`${name} is as it was`, { timeout: 600_000 }, async () => {
      const { code, out } = await suite(name, env);
      assert.equal(code, 0, out);
      assert.match(out, /# pass [1-9]/);
    });
  }
});
