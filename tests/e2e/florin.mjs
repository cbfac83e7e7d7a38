// Starts the built binary on free ports in a temporary folder, and talks to it.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const binary = process.env.FLORIN ?? path.join(root, 'build/release/bin/florin');
export const secret = 'e2e-secret-of-enough-length';

const definition = loader.loadSync('proto/payment/v1/payment.proto', {
  includeDirs: [root], keepCase: true, longs: Number, enums: String, defaults: true,
});
export const { payment } = grpc.loadPackageDefinition(definition);
export { grpc };

/** Calls `ready` until it returns something, at most `ms` long. */
export async function until(what, ready, ms = 10_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await ready();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`waited ${ms} ms for ${what}`);
    await new Promise((next) => setTimeout(next, 10));
  }
}

export async function freePort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

// With E2E_MARIADB_SOCKET each server gets a database of its own at that MariaDB, instead of a file.
const mariadb = process.env.E2E_MARIADB_SOCKET;

export class Florin {
  constructor() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'florin-e2e-'));
    if (!mariadb) return;
    const database = path.basename(this.folder).replaceAll('-', '_');
    execFileSync('mariadb', ['--no-defaults', '--user=root', `--socket=${mariadb}`, '-e', `CREATE DATABASE ${database}`]);
    this.database = { DB_URL: `mariadb://root@localhost/${database}?socket=${mariadb}` };
  }

  /** `command` starts the binary in another way: it gets the binary and its arguments. */
  static async start(flags = [], environment = {}, command = []) {
    const florin = new Florin();
    florin.command = [...command, binary];
    florin.ports = { grpc: await freePort(), http: await freePort(), health: await freePort() };
    florin.flags = flags;
    florin.environment = environment;
    await florin.run();
    return florin;
  }

  /** Starts the process on the same ports and data as before. */
  async run() {
    this.log = '';
    const [program, ...first] = this.command;
    this.process = spawn(program, [...first, 'serve', '--grpc-port', this.ports.grpc, '--http-port', this.ports.http,
      '--health-port', this.ports.health, '--bind-address', '127.0.0.1', '--data-dir', path.join(this.folder, 'data'),
      ...this.flags].map(String), {
      cwd: this.folder,
      env: { PATH: process.env.PATH, WEBHOOK_SECRET: secret, DEFAULT_DELAY_MS: '100', LOG_LEVEL: 'info', ...this.database, ...this.environment },
    });
    this.exited = once(this.process, 'exit');
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => { this.log = (this.log + text).slice(-20_000); });
    await until('the server', async () => {
      if (this.process.exitCode !== null) throw new Error(`the server has ended:\n${this.log}`);
      return (await this.get('health', '/ready').catch(() => null))?.status === 200;
    });
    // A new client: the old one may be backing off from the process that is gone.
    this.client?.close();
    this.client = new payment.v1.PaymentService(`127.0.0.1:${this.ports.grpc}`, grpc.credentials.createInsecure());
  }

  call(method, request, metadata = new grpc.Metadata(), options = { deadline: Date.now() + 10_000 }) {
    return new Promise((resolve, reject) => {
      this.client[method](request, metadata, options, (error, answer) => (error ? reject(error) : resolve(answer)));
    });
  }

  create(fields = {}) {
    return this.call('CreatePaymentIntent', { reservation_id: 'rsv-1', user_id: 'user-1', amount: { amount: 50_000, currency: 'KRW' }, scenario: 'PAYMENT_SCENARIO_APPROVE', ...fields });
  }

  async status(id) {
    return (await this.call('GetPaymentStatus', { payment_intent_id: id })).payment.status;
  }

  get(face, target, options = {}) {
    return new Promise((resolve, reject) => {
      const request = http.request({ host: '127.0.0.1', port: this.ports[face], path: target, agent: false, ...options }, (answer) => {
        let body = '';
        answer.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }));
      });
      request.on('error', reject).end(options.body);
    });
  }

  async json(target, options) {
    return JSON.parse((await this.get('http', target, options)).body);
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  async stop() {
    this.client?.close();
    if (this.process.exitCode === null && this.process.signalCode === null) {
      this.process.kill('SIGTERM');
      await this.exited;
    }
    fs.rmSync(this.folder, { recursive: true, force: true });
    return this.process.exitCode;
  }
}

/** A receiver of webhooks; `answer(request, response, body)` may take the answer over. */
export async function receiver(answer) {
  const webhooks = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => {
      webhooks.push({ headers: request.headers, body, json: body ? JSON.parse(body) : null, method: request.method, at: Date.now() });
      if (answer) answer(request, response, webhooks.length);
      else response.end();
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/webhook`, webhooks, server, close: () => { server.closeAllConnections(); server.close(); } };
}

/** Runs a command of the binary to its end. */
export async function run(args, { env = {}, input = '' , cwd = os.tmpdir() } = {}) {
  const child = spawn(binary, args, { cwd, env: { PATH: process.env.PATH, ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => { out += text; });
  child.stderr.on('data', (text) => { err += text; });
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  return { code, out, err };
}
