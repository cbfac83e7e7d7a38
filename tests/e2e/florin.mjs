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

/** Calls `ready` until it returns something, at most `ms` long; the machine may be slow, and have other things to do. */
export async function until(what, ready, ms = 60_000) {
  const begun = Date.now();
  for (;;) {
    const value = await ready();
    if (value) return value;
    const waited = Date.now() - begun;
    if (waited > ms) throw new Error(`waited ${waited} ms for ${what}`);
    await new Promise((next) => setTimeout(next, Math.min(100, 10 + waited / 50)));
  }
}

// Ports that the kernel gives to no client: one that knocks where nobody listens may be given that very port, and then
// the server that comes back there does not get it.
function quietPorts() {
  const [low, high] = fs.readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').trim().split(/\s+/).map(Number);
  if (low >= 15_000) return { first: 10_000, count: low - 10_000 };
  return high <= 60_000 ? { first: high + 1, count: 65_535 - high } : { first: 10_000, count: 50_000 };
}
let portsGiven = 0;

/** A port nobody listens on; processes that run beside each other look at different ones. */
export async function freePort() {
  const { first, count } = quietPorts();
  for (;;) {
    const port = first + (process.pid * 50 + portsGiven++) % count;
    const server = net.createServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (free) return port;
  }
}

/** A time zone in which it is about noon, in minutes from UTC, and today's date there: a test that closes a day is not overtaken by midnight. */
const sinceMidnight = Math.floor(Date.now() / 60_000) % 1_440;
export const noon = { offset: 720 - sinceMidnight, today: () => new Date(Date.now() + noon.offset * 60_000).toISOString().slice(0, 10) };

// What a test that failed has left: processes and folders go with the test, and nothing keeps its file from ending.
const started = new Set();
process.on('exit', () => { for (const one of started) one.abandon(); });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
if (process.env.NODE_TEST_CONTEXT) {
  const { after } = await import('node:test');
  after(() => { setTimeout(() => { console.error('something is still open after the last test'); process.exit(1); }, 180_000).unref(); });
}

/** `one.abandon()` is called when this process ends, unless it was `forgotten` before. */
export const remembered = (one) => started.add(one);
export const forgotten = (one) => started.delete(one);
export const removeFolder = (folder) => fs.rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });

// With E2E_MARIADB_SOCKET each server gets a database of its own at that MariaDB, instead of a file.
const mariadb = process.env.E2E_MARIADB_SOCKET;

export class Florin {
  constructor() {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'florin-e2e-'));
    remembered(this);
    if (!mariadb) return;
    const database = path.basename(this.folder).replaceAll('-', '_');
    execFileSync('mariadb', ['--no-defaults', '--user=root', `--socket=${mariadb}`, '-e', `CREATE DATABASE ${database}`]);
    this.database = { DB_URL: `mariadb://root@localhost/${database}?socket=${mariadb}`, DB_MIGRATE: 'true' }; // also in production: it is new
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
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => { this.log = (this.log + text).slice(-200_000); });
    await until('the server', async () => {
      if (!this.runs) throw new Error(`the server has ended:\n${this.log}`);
      return (await this.get('health', '/ready').catch(() => null))?.status === 200;
    }, 180_000);
    // A new client: the old one may be backing off from the process that is gone.
    this.client?.close();
    this.client = new payment.v1.PaymentService(`127.0.0.1:${this.ports.grpc}`, grpc.credentials.createInsecure());
  }

  call(method, request, metadata = new grpc.Metadata(), options = { deadline: Date.now() + 60_000 }) {
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
        answer.setEncoding('utf8').on('data', (text) => { body += text; }).on('close', () => {
          if (answer.complete) resolve({ status: answer.statusCode, headers: answer.headers, body });
          else reject(new Error('the connection ended within the answer'));
        });
      });
      request.on('error', reject).end(options.body);
    });
  }

  async json(target, options) {
    return JSON.parse((await this.get('http', target, options)).body);
  }

  get runs() {
    return this.process?.exitCode === null && this.process.signalCode === null;
  }

  /** The value of a series of /metrics; 0 where there is none. */
  async metric(series) {
    const line = (await this.get('health', '/metrics')).body.split('\n').find((text) => text.startsWith(`${series} `));
    return line ? Number(line.slice(series.length + 1)) : 0;
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  async stop() {
    this.client?.close();
    if (this.runs) {
      this.process.kill('SIGTERM');
      await this.exited;
    }
    this.abandon();
    return this.process.exitCode;
  }

  abandon() {
    if (this.runs) this.process.kill('SIGKILL');
    removeFolder(this.folder);
    forgotten(this);
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
  const mine = { abandon: () => child.kill('SIGKILL') };
  remembered(mine);
  let out = '';
  let err = '';
  child.stdout.on('data', (text) => { out += text; });
  child.stderr.on('data', (text) => { err += text; });
  child.stdin.on('error', () => {}); // it may end without reading
  child.stdin.end(input);
  const [code] = await once(child, 'close');
  forgotten(mine);
  return { code, out, err };
}
