// Runs what the documents tell readers to run: each block marked "sh runnable" is one script, against a server
// that is up; "sh runnable background" goes on until its document ends. Ports and folders are this test's own.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Florin, binary, freePort, root, secret, until } from '../e2e/florin.mjs';

const documents = ['README.md', ...fs.readdirSync(path.join(root, 'docs')).filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)];

function blocks_of(document) {
  const text = fs.readFileSync(path.join(root, document), 'utf8');
  return [...text.matchAll(/^```sh runnable( background)?\n(.*?)^```$/gms)].map(([, background, script]) => ({ background: !!background, script }));
}
const runnable = documents.map((document) => [document, blocks_of(document)]).filter(([, blocks]) => blocks.length > 0);

let florin;
let folder;
let ports;
before(async () => {
  florin = await Florin.start();
  ports = { 8030: florin.ports.grpc, 8031: florin.ports.health, 8080: florin.ports.http, 9000: await freePort() };
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'florin-docs-'));
  fs.mkdirSync(path.join(folder, 'bin'));
  fs.symlinkSync(binary, path.join(folder, 'bin/florin'));
  for (const name of ['api', 'docs', 'proto']) fs.symlinkSync(path.join(root, name), path.join(folder, name));
  fs.mkdirSync(path.join(folder, 'path'));
  // Readers see a refusal in the answer; a script has to fail on it.
  fs.writeFileSync(path.join(folder, 'path/curl'), '#!/bin/sh\nexec /usr/bin/curl --fail-with-body "$@"\n', { mode: 0o755 });
});
after(async () => {
  fs.rmSync(folder, { recursive: true, force: true });
  assert.equal(await florin.stop(), 0);
});

/** Starts a script as the leader of a group of its own, with this test's ports for the documented ones. */
function start(script) {
  const text = script.replace(/\b(8030|8031|8080|9000)\b/g, (port) => ports[port]);
  const child = spawn('bash', ['-euo', 'pipefail', '-c', text], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${path.join(folder, 'path')}:${process.env.PATH}`, WEBHOOK_SECRET: secret, DATA_DIR: path.join(florin.folder, 'data'),
      GRPC_PORT: String(florin.ports.grpc), HTTP_PORT: String(florin.ports.http), HEALTH_PORT: String(florin.ports.health),
    },
  });
  const started = { child, text, output: '', closed: once(child, 'close') };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => { started.output += bytes; });
  return started;
}

test('the documents have commands to run', () => {
  assert.ok(runnable.find(([document]) => document === 'README.md')?.[1].length >= 4, 'the README has lost its tour');
});

for (const [document, blocks] of runnable) {
  test(`the commands of ${document} work as written`, { timeout: 300_000 }, async () => {
    const scripts = [];
    try {
      for (const block of blocks) {
        const script = start(block.script);
        scripts.push(script);
        if (block.background) {
          await until(`a word from: ${script.text}`, () => script.output !== '');
          continue;
        }
        const [code] = await script.closed;
        assert.equal(code, 0, `${script.text}\nended with ${code}:\n${script.output}`);
        assert.notEqual(script.output, '', `${script.text}\nshows nothing`);
      }
    } finally {
      for (const { child, closed } of scripts) {
        if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGTERM');
        await closed;
      }
    }
  });
}
