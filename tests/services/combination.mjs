// One Florin over one choice of database, log and limits, and how to look at it from outside: the same questions, whatever
// it stands on.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Florin, run, until } from '../e2e/florin.mjs';

export const rateLimit = 6; // authorizations of a merchant, in a window longer than any test
const rowsOfLog = "SELECT lower(hex(event_id)) AS id, aggregate_id AS payment, event_type AS type FROM outbox WHERE aggregate_type = 'merchant_payment' ORDER BY seq";
const compact = (uuid) => uuid.replaceAll('-', '');

/** A database of its own. */
class Sqlite {
  settings = {};
  open(florin) { this.file = path.join(florin.folder, 'data', 'florin.db'); }
  verifyArguments() { return ['--data-dir', path.dirname(this.file)]; }

  /** The rows of a query, as objects. */
  async sql(text) {
    const script = 'import json, sqlite3, sys; d = sqlite3.connect(sys.argv[1], timeout=30); d.row_factory = sqlite3.Row; r = [dict(x) for x in d.execute(sys.argv[2])]; d.commit(); print(json.dumps(r))';
    return JSON.parse((await promisify(execFile)('python3', ['-c', script, this.file, text])).stdout);
  }
  bytes(hex) { return `X'${hex}'`; }
}

class OneMariaDb {
  static async make(server, name) {
    await server.sql(`CREATE DATABASE ${name} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci; GRANT ALL ON ${name}.* TO florin@'%'`, 'mysql');
    return new OneMariaDb(server, name);
  }
  constructor(server, name) {
    Object.assign(this, { server, name });
    this.settings = { DB_URL: `mariadb://florin:florin@${server.address}/${name}` };
  }
  open() {}
  verifyArguments() { return []; }
  sql(text) { return this.server.sql(text, this.name); }
  bytes(hex) { return `UNHEX('${hex}')`; }
}

/** The log in the database: its rows are what consumers read, in this order. */
class OwnLog {
  settings = {};
  constructor(store) { this.store = store; }
  events() { return this.store.sql(rowsOfLog); }

  put({ id, type, key, value }) {
    return this.store.sql(`INSERT INTO outbox (event_id, aggregate_type, aggregate_id, event_type, payload, created_at)
      VALUES (${this.store.bytes(compact(id))}, 'somebody', '${key}', '${type}', '${value}', ${Date.now() * 1_000})`);
  }
}

/** A topic of its own with all events in it, so that their order can be seen across types. */
class KafkaTopic {
  constructor(server, name) {
    Object.assign(this, { server, topic: `${name}.events` });
    this.mapping = `* = ${this.topic}\n`;
    this.settings = {
      KAFKA_BOOTSTRAP_SERVERS: server.servers, EVENT_LOG: 'kafka', KAFKA_GROUP_PREFIX: `${name}.`, KAFKA_PARTITIONS: '3',
      // A member that was killed is missed soon, one that waits for its turn is not.
      KAFKA_PROPERTIES: 'session.timeout.ms=6000,heartbeat.interval.ms=500',
    };
    this.tape = server.topics.follow([this.topic]);
  }

  /** Each event as it came first; who was killed may send it again. */
  events() {
    const seen = new Map();
    for (const { key, value, headers } of this.tape.messages)
      if (headers.id && !seen.has(headers.id)) seen.set(headers.id, { id: compact(headers.id), payment: key, type: JSON.parse(value).type });
    return [...seen.values()];
  }

  put({ id, key, value }) {
    return this.server.topics.produce([{ topic: this.topic, key, value, headers: { id } }]);
  }
}

export class Combination {
  /** `servers`: { mariadb, kafka, redis }, started; `choice` says which of them to use. `name` is its own. */
  static async start(servers, choice, { name, redisDatabase, environment = {} }) {
    const world = new Combination();
    world.name = name;
    world.keys = 0;
    world.store = choice.mariadb ? await OneMariaDb.make(servers.mariadb, name) : new Sqlite();
    world.log = choice.kafka ? new KafkaTopic(servers.kafka, name) : new OwnLog(world.store);
    const settings = {
      ...world.store.settings, ...world.log.settings, ...environment,
      APP_RATE_LIMIT_AUTHORIZE_CAPACITY: String(rateLimit), APP_RATE_LIMIT_AUTHORIZE_WINDOW_SECONDS: '36000',
      APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0',
      ...(choice.redis && { REDIS_URL: servers.redis.url.replace(/0$/, redisDatabase), REDIS_TIMEOUT_MS: '5000' }),
    };
    if (choice.kafka) {
      settings.KAFKA_TOPICS_FILE = path.join(servers.kafka.folder, `${name}.topics`);
      fs.writeFileSync(settings.KAFKA_TOPICS_FILE, world.log.mapping);
    }
    world.florin = await Florin.start(['--log-level', 'warn'], settings);
    world.store.open(world.florin);
    return world;
  }

  stop() {
    return this.florin.stop();
  }

  fresh(what) {
    return `${this.name}-${what}-${++this.keys}`;
  }

  /** { status, text, json, replayed, headers } */
  async post(target, body) {
    const { status, headers, body: text } = await this.florin.get('http', target, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
    return { status, headers, text, json: JSON.parse(text), replayed: headers['idempotent-replayed'] === 'true' };
  }

  authorize(merchantId, { key = this.fresh('key'), amount = 10_000 } = {}) {
    return this.post('/payments/authorize', { merchantId, amount, currency: 'KRW', idempotencyKey: key });
  }

  change(operation, payment, fields = {}) {
    return this.post(`/payments/${operation}/${payment.paymentId}`, { merchantId: payment.merchantId, idempotencyKey: this.fresh(operation), ...(operation === 'refund' && { reason: 'test' }), ...fields });
  }

  show(payment) {
    return this.florin.json(`/payments/${payment.paymentId}?merchantId=${payment.merchantId}`);
  }

  /** Types of a payment's events as whoever follows the log gets them. */
  async told(payment) {
    return (await this.log.events()).filter((event) => event.payment === payment.paymentId).map(({ type }) => type);
  }

  /** What the group that follows the log has counted of a merchant, over all days. */
  async sales(merchantId) {
    const { days } = await this.florin.json(`/api/daily-sales?merchantId=${merchantId}`);
    return days.reduce((sum, { captures, refunds, net }) => ({ captures: sum.captures + captures.count, refunds: sum.refunds + refunds.count, net: sum.net + net }), { captures: 0, refunds: 0, net: 0 });
  }

  async salesBecome(merchantId, wanted) {
    let found;
    await until(`the daily sales of ${merchantId}`, async () => { found = await this.sales(merchantId); return JSON.stringify(found) === JSON.stringify(wanted); })
      .catch((error) => { throw new Error(`${error.message} to be ${JSON.stringify(wanted)}: they are ${JSON.stringify(found)}\n${this.florin.log}`); });
  }

  /** The first dead letter of a group. */
  letter(group) {
    return until(`a dead letter of ${group}`, async () => (await this.florin.json(`/api/dead-letters?group=${group}`)).dead_letters[0]);
  }

  resolve(letter, how) {
    return this.post(`/api/dead-letters/${letter.id}/${how}`, {});
  }

  /** An event that is nobody's, under an id of its own. */
  poison() {
    return this.log.put({ id: randomUUID(), type: 'payment.captured', key: 'poison', value: '{"type":"payment.captured","data":{}}' });
  }

  verifyLedger() {
    return run(['ledger', 'verify', ...this.store.verifyArguments()], { env: this.store.settings });
  }
}
