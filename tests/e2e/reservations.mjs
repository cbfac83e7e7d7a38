// What stands around the reservation worker: a queue that speaks SQS's protocol, the two services it calls, and
// the worker itself.
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';
import { binary, forgotten, remembered, removeFolder, root, until } from './florin.mjs';

const { reservation } = grpc.loadPackageDefinition(loader.loadSync('proto/reservation/v1/inventory.proto', {
  includeDirs: [root], keepCase: true, longs: Number, enums: String, defaults: true,
}));

/** An HTTP server in this process; `handler(request, response, body)`. */
export async function serve(handler, port = 0) {
  const server = http.createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (text) => { body += text; }).on('end', () => handler(request, response, body));
  }).listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, close: () => { server.closeAllConnections(); server.close(); } };
}

/**
 * One queue and its dead letters; visibility lasts as long as the worker asks, at most `visibilityMs`: short for workers that
 * are killed, whose messages have to come back.
 */
export async function queue({ visibilityMs = 60_000 } = {}) {
  const messages = new Map(); // id -> { body, visibleAt, receives }
  const dead = [];
  let fault = () => null;
  const actions = {
    ReceiveMessage({ MaxNumberOfMessages: most, VisibilityTimeout: seconds }) {
      const now = Date.now();
      const received = [...messages].filter(([, message]) => message.visibleAt <= now).slice(0, most);
      return { Messages: received.map(([id, message]) => {
        message.visibleAt = now + Math.min(seconds * 1000, visibilityMs);
        message.receives += 1;
        return { MessageId: id, ReceiptHandle: `${id}/${message.receives}`, Body: message.body, Attributes: { ApproximateReceiveCount: String(message.receives) } };
      }) };
    },
    DeleteMessage({ ReceiptHandle: receipt }) { messages.delete(receipt.split('/')[0]); return {}; },
    ChangeMessageVisibility({ ReceiptHandle: receipt, VisibilityTimeout: seconds }) {
      const message = messages.get(receipt.split('/')[0]);
      if (message) message.visibleAt = Date.now() + Math.min(seconds * 1000, visibilityMs);
      return {};
    },
    SendMessage({ MessageBody: body, MessageAttributes: attributes }) { dead.push({ body, attributes }); return { MessageId: randomUUID() }; },
  };
  const server = await serve(async (request, response, body) => {
    const action = request.headers['x-amz-target'].split('.')[1];
    const parameters = JSON.parse(body);
    if (action === 'ReceiveMessage') {
      const end = Date.now() + parameters.WaitTimeSeconds * 1000;
      while (Date.now() < end && !response.destroyed && ![...messages.values()].some(({ visibleAt }) => visibleAt <= Date.now())) await new Promise((next) => setTimeout(next, 5));
      if (response.destroyed) return; // whoever asked is gone: what it would have got stays visible
    }
    const status = fault(action) ?? 200;
    const answer = status === 200 ? actions[action](parameters) : { __type: 'com.amazonaws.sqs#InternalError', message: 'on purpose' };
    response.writeHead(status, { 'Content-Type': 'application/x-amz-json-1.0' }).end(JSON.stringify(answer));
  });
  return { ...server, messages, dead, put: (body) => messages.set(randomUUID(), { body: JSON.stringify(body), visibleAt: 0, receives: 0 }), failWith: (decide) => { fault = decide; } };
}

/**
 * The reservation API: reservations with their seats, and every PATCH it took, by its key. `answer` says with which status, or
 * promises to; null: never. `hangUp` ends the connections of those that have no answer.
 */
export async function reservationApi({ answer = () => 200 } = {}) {
  const patches = []; // { id, status, key }
  const unanswered = new Set();
  const server = await serve(async (request, response, body) => {
    const id = decodeURIComponent(request.url.split('/').pop());
    const status = await answer(request.method, id);
    if (status === 200 && request.method === 'PATCH') patches.push({ id, status: JSON.parse(body).status, key: request.headers['idempotency-key'] });
    if (status === null) { unanswered.add(response); return; }
    response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ reservation_id: id, event_id: 'concert', seat_ids: [`${id}-A`, `${id}-B`] }));
  });
  return { ...server, patches, unanswered, hangUp: () => { for (const response of unanswered) response.destroy(); unanswered.clear(); } };
}

/** The inventory: every call it took. */
export async function inventory() {
  const calls = []; // { method, id, seats, key }
  const take = (method) => (call, done) => {
    const { reservation_id: id, seat_ids: seats, idempotency_key: key } = call.request;
    calls.push({ method, id, seats, key });
    done(null, { status: method === 'commit' ? 'COMMIT_STATUS_SUCCESS' : 'RELEASE_STATUS_SUCCESS' });
  };
  const server = new grpc.Server();
  server.addService(reservation.v1.InventoryService.service, { CommitReservation: take('commit'), ReleaseHold: take('release') });
  const port = await new Promise((resolve, reject) => server.bindAsync('127.0.0.1:0', grpc.ServerCredentials.createInsecure(), (error, bound) => (error ? reject(error) : resolve(bound))));
  return { address: `127.0.0.1:${port}`, calls, close: () => server.forceShutdown() };
}

/** The worker, under its own name, in a folder that outlives it. */
export class Worker {
  constructor(environment) {
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'florin-worker-'));
    remembered(this);
    this.program = path.join(this.folder, 'reservation-worker');
    fs.symlinkSync(binary, this.program);
    this.environment = environment;
  }

  async run() {
    this.log = '';
    this.ports = null;
    this.process = spawn(this.program, [], {
      cwd: this.folder,
      env: { PATH: process.env.PATH, HOME: this.folder, BIND_ADDRESS: '127.0.0.1', SERVER_PORT: '0', GRPC_DEBUG_PORT: '0', LOG_FORMAT: 'json', LOG_LEVEL: 'info', AWS_REGION: 'ap-northeast-2', AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', SQS_WAIT_TIME: '1', BACKOFF_BASE_MS: '100', INVENTORY_TIMEOUT_MS: '30000', ...this.environment },
    });
    this.exited = once(this.process, 'exit');
    for (const stream of [this.process.stdout, this.process.stderr]) stream.on('data', (text) => { this.log = (this.log + text).slice(-50_000); });
    await until('the worker', () => {
      if (!this.runs) throw new Error(`the worker has ended:\n${this.log}`);
      const line = this.log.split('\n').find((text) => text.includes('The reservation worker is ready'));
      if (line) this.ports = { http: JSON.parse(line).http_port, grpc: JSON.parse(line).grpc_port };
      return this.ports;
    });
  }

  async get(target) {
    const answer = await fetch(`http://127.0.0.1:${this.ports.http}${target}`);
    return { status: answer.status, body: await answer.text() };
  }

  async kill() {
    this.process.kill('SIGKILL');
    await this.exited;
  }

  get runs() {
    return this.process?.exitCode === null && this.process.signalCode === null;
  }

  async stop() {
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

/** A payment's outcome as EventBridge puts it into a queue. */
export function outcome(id, status) {
  return { version: '0', id: randomUUID(), 'detail-type': 'Payment Status Updated', source: 'payment-sim-api', account: '1', time: '2025-10-09T00:00:00Z', region: 'ap-northeast-2', resources: [],
    detail: { payment_id: `pay-${id}`, reservation_id: id, user_id: 'user-1', status: `PAYMENT_STATUS_${status}`, amount: 50_000, currency: 'KRW', timestamp: 1_760_000_000, event_type: 'payment.status_updated' } };
}
