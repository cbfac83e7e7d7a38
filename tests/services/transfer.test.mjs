// A database with a past moves from SQLite to MariaDB and back; whoever pays notices nothing.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Florin, binary, freePort, receiver, run, until } from '../e2e/florin.mjs';
import { MariaDb, mariadbMissing } from './mariadb.mjs';

const skip = mariadbMissing();
const environment = { SETTLEMENT_ENABLED: 'false', APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0' };
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'florin-transfer-'));
const file = path.join(folder, 'export.jsonl');
const past = { answers: [], open: [] };
const instances = [];
let first, mariadb, hooks, fingerprint;

/** A process that is not started yet, so that its folder can be filled. */
async function instance(more = {}) {
  const florin = new Florin();
  florin.command = [binary];
  florin.ports = { grpc: await freePort(), http: await freePort(), health: await freePort() };
  florin.flags = [];
  florin.environment = { ...environment, ...more };
  florin.data = path.join(florin.folder, 'data');
  instances.push(florin);
  return florin;
}

async function end(florin) { // its folder stays
  florin.client?.close();
  florin.process.kill('SIGTERM');
  await florin.exited;
  assert.equal(florin.process.exitCode, 0, florin.log);
}

function post(florin, target, body, key) {
  return new Promise((resolve, reject) => {
    const request = http.request({ host: '127.0.0.1', port: florin.ports.http, method: 'POST', path: target, agent: false, headers: { 'content-type': 'application/json' } }, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (more) => { text += more; }).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, text, json: JSON.parse(text) }));
    });
    request.on('error', reject).end(JSON.stringify({ ...body, idempotencyKey: key })); // keys may hold what headers may not
  });
}
const authorize = (florin, merchantId, amount, key) => post(florin, '/payments/authorize', { merchantId, amount, currency: 'KRW' }, key);

async function florin(args, options) {
  const { code, out, err } = await run(args, options);
  assert.equal(code, 0, `florin ${args.join(' ')}: ${out}${err}`);
  return out + err;
}
async function proof(place) {
  const said = await florin(['ledger', 'verify', ...place]);
  return said.match(/fingerprint +(\w+)/)[1];
}

before(async () => {
  if (skip) return;
  mariadb = await MariaDb.start();
  hooks = await receiver();
  first = await instance();
  await first.run();
  for (let i = 0; i < 40; ++i) {
    const merchantId = `shop-${i % 4}`;
    const key = `key-${i} "한" ${'x'.repeat(i)}`;
    const answer = await authorize(first, merchantId, 1_000 + i, key);
    assert.equal(answer.status, 200, answer.text);
    past.answers.push({ merchantId, amount: 1_000 + i, key, text: answer.text });
    const { paymentId } = answer.json;
    if (i % 2) assert.equal((await post(first, `/payments/capture/${paymentId}`, { merchantId }, `capture-${i}`)).status, 200);
    if (i % 4 === 1) assert.equal((await post(first, `/payments/refund/${paymentId}`, { merchantId, amount: 10, reason: 'a part' }, `refund-${i}`)).status, 200);
    if (i % 2 === 0) past.open.push({ merchantId, paymentId });
  }
  const created = await first.create({ webhook_url: hooks.url, metadata: { note: 'from SQLite' } });
  past.intent = created.payment_intent_id;
  await until('its webhook', () => hooks.webhooks.length > 0);
  const running = await run(['export', '--data-dir', first.data, '--file', file]);
  assert.equal(running.code, 1, 'a server uses it');
  assert.match(running.err, /another|in use/);
  fs.rmSync(file, { force: true });
  await end(first);
  fingerprint = await proof(['--data-dir', first.data]);
}, { timeout: 600_000 });

after(async () => {
  fs.rmSync(folder, { recursive: true, force: true });
  for (const { process, client, folder: its } of instances) {
    client?.close();
    process?.kill('SIGKILL'); // of a test that has failed
    fs.rmSync(its, { recursive: true, force: true });
  }
  hooks?.close();
  await mariadb?.stop();
});

/** What was answered is answered again, what was open goes on, what is new works. */
async function lives(florin, name) {
  for (const { merchantId, amount, key, text } of past.answers) {
    const again = await authorize(florin, merchantId, amount, key);
    assert.equal(again.text, text, key);
    assert.equal(again.headers['idempotent-replayed'], 'true');
    assert.equal((await authorize(florin, merchantId, amount + 1, key)).status, 422);
  }
  const { merchantId, paymentId } = past.open.pop();
  const captured = await post(florin, `/payments/capture/${paymentId}`, { merchantId }, `capture-${name}`);
  assert.equal(captured.status, 200, captured.text);
  assert.equal((await authorize(florin, 'shop-new', 500, `new-${name}`)).status, 200);
  assert.equal(await florin.status(past.intent), 'PAYMENT_STATUS_COMPLETED');
}

/** Starts an import, gives it half of the file, and kills it. */
async function killedImport(place, bytes) {
  const child = spawn(binary, ['import', ...place], { stdio: ['pipe', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  child.stdin.on('error', () => {});
  await new Promise((written) => { child.stdin.write(bytes, written); });
  child.kill('SIGKILL');
  await ended;
}

test('an export is private, whole, and not written over another file', { skip }, async () => {
  await florin(['export', '--data-dir', first.data, '--file', file]);
  assert.equal(fs.statSync(file).mode & 0o777, 0o600);
  const { code, err } = await run(['export', '--data-dir', first.data, '--file', file]);
  assert.equal(code, 1);
  assert.match(err, /cannot create .*File exists/);
  const { out } = await run(['export', '--data-dir', first.data]);
  assert.equal(out, fs.readFileSync(file, 'utf8'), 'the same database makes the same file');
});

test('a copy in another folder goes on where the first one ended', { skip }, async () => {
  const copy = await instance();
  fs.mkdirSync(copy.data);
  const bytes = fs.readFileSync(file);
  await killedImport(['--data-dir', copy.data], bytes.subarray(0, bytes.length / 2));
  for (const [name, wrong] of [['no export', 'hello\n'], ['cut off', bytes.subarray(0, bytes.length - 30)]]) {
    const { code, err } = await run(['import', '--data-dir', copy.data], { input: wrong });
    assert.equal(code, 1, name);
    assert.match(err, /line \d+: /, name);
  }
  assert.match(await florin(['import', '--data-dir', copy.data], { input: bytes }), /counts, sums, ledger and positions are those of the file/);
  assert.equal(await proof(['--data-dir', copy.data]), fingerprint);
  const { out } = await run(['export', '--data-dir', copy.data]);
  assert.equal(out, bytes.toString());
  const { code, err } = await run(['import', '--data-dir', copy.data], { input: bytes });
  assert.equal(code, 1);
  assert.match(err, /there is a database .* already/);
  await copy.run();
  await lives(copy, 'copy');
  await copy.stop();
});

test('it moves to MariaDB, serves there, and moves back', { skip, timeout: 600_000 }, async () => {
  const bytes = fs.readFileSync(file);
  const there = ['--db-url', mariadb.url];
  await killedImport(there, bytes.subarray(0, bytes.length / 2));
  await florin(['import', ...there, '--file', file]);
  assert.equal(await proof(there), fingerprint);
  const again = await run(['import', ...there, '--file', file]);
  assert.equal(again.code, 1);
  assert.match(again.err, /needs a database that nobody has used/);

  const second = await instance({ DB_URL: mariadb.url });
  await second.run();
  await lives(second, 'mariadb');
  const running = await run(['export', ...there]);
  assert.equal(running.code, 1);
  assert.match(running.err, /is in use by .*stop every process first/);
  await second.kill();
  const back = path.join(folder, 'back.jsonl');
  await florin(['export', ...there, '--file', back]);

  const third = await instance();
  await florin(['import', '--data-dir', third.data, '--file', back]);
  assert.equal(await proof(['--data-dir', third.data]), await proof(there));
  await third.run();
  await lives(third, 'back');
  await third.stop();
  await second.stop();
});
