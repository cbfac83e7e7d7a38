#!/usr/bin/env node
// How long an event takes from its payment to a Kafka consumer under load, and how fast a backlog drains. Starts MariaDB,
// Kafka and Florin by hand, as the service tests do; with OUTBOX_RELAY=debezium also Kafka Connect.
// FLORIN: the binary. RATE (flows a second: authorize, capture, refund), SECONDS_LONG: the load. BACKLOG: events.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Florin, binary, until } from '../tests/e2e/florin.mjs';
import { Connect } from '../tests/services/connect.mjs';
import { paymentTopics as topics } from '../tests/services/followers.mjs';
import { Kafka } from '../tests/services/kafka.mjs';
import { MariaDb } from '../tests/services/mariadb.mjs';
import { toolMissing } from '../tests/services/tools.mjs';

const relay = process.env.OUTBOX_RELAY ?? 'florin';
const rate = Number(process.env.RATE ?? 333);
const seconds = Number(process.env.SECONDS_LONG ?? 30);
const backlog = Number(process.env.BACKLOG ?? 100_000);

const missing = toolMissing(relay === 'debezium' ? 'debezium' : 'kafka');
if (missing) throw new Error(missing);
const [kafka, mariadb] = await Promise.all([Kafka.start(), MariaDb.start({ settings: { 'innodb-buffer-pool-size': '1G', 'innodb-log-file-size': '512M' } })]);
const servers = [kafka, mariadb];
await kafka.topics.create(topics, { partitions: 6 });
const florin = await Florin.start(['--log-level', 'warning'], {
  DB_URL: mariadb.url, KAFKA_BOOTSTRAP_SERVERS: kafka.servers, OUTBOX_RELAY: relay, SETTLEMENT_ENABLED: 'false',
  APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0',
});
if (relay === 'debezium') {
  await mariadb.admitDebezium();
  const connect = await Connect.start({ kafka, mariadb });
  servers.unshift(connect);
  await connect.register();
}

async function underLoad() {
  const tape = kafka.topics.follow(topics);
  const { stdout } = await promisify(execFile)(binary, ['bench', 'payments', '--target', `127.0.0.1:${florin.ports.http}`, '--health-port', String(florin.ports.health),
    '--rate', String(rate), '--duration', String(seconds), '--warmup', '3', '--quiet', '--json'], { maxBuffer: 1 << 26 }).catch((error) => error);
  const events = Number(await mariadb.value('SELECT COUNT(*) FROM outbox'));
  await until('the last event', () => tape.messages.length >= events, 120_000);
  // From the moment the payment changed, before its commit, until the consumer has the record. The warm-up is left out.
  const begin = Math.min(...tape.messages.map(({ timestamp }) => timestamp)) + 3_000;
  const late = tape.messages.filter(({ timestamp }) => timestamp >= begin).map(({ at, timestamp }) => at - timestamp).sort((a, b) => a - b);
  const at = (share) => late[Math.min(late.length - 1, Math.floor(late.length * share))];
  console.log(`${relay}: ${events} events under ${rate} flows/s (${Math.round(late.length / seconds)} events/s): to the consumer p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, p99.9 ${at(0.999)} ms, max ${late.at(-1)} ms; repeated ${tape.messages.length - events}`);
  await tape.close();
  const report = JSON.parse(stdout || '{}');
  console.log(`load: ${JSON.stringify(report).slice(0, 600)}`);
}

async function drain() {
  florin.process.kill('SIGTERM');
  await florin.exited;
  const before = await kafka.topics.count(topics);
  // Payloads of the size of ours, keys of 10,000 payments.
  await mariadb.sql(`INSERT INTO outbox (event_id, aggregate_type, aggregate_id, event_type, payload, created_at)
    SELECT UNHEX(CONCAT('01900000000070008', LPAD(HEX(seq), 15, '0'))), 'payment', CONCAT('pay-', seq MOD 10000), 'payment.captured',
    CONCAT('{"data":{"n":', seq, ',"text":"', REPEAT('x', 550), '"}}'), UNIX_TIMESTAMP() * 1000000 FROM seq_1_to_${backlog}`);
  let first;
  const counted = () => kafka.topics.count(topics).then((count) => count - before);
  const started = florin.run();
  await until('the first of the backlog', async () => { const count = await counted(); if (count > 0) first = { count, at: Date.now() }; return count > 0; }, 60_000);
  await until('the whole backlog', async () => (await counted()) >= backlog, 300_000);
  const took = Date.now() - first.at;
  await started;
  console.log(`${relay}: a backlog of ${backlog} events drained in ${(took / 1000).toFixed(1)} s: ${Math.round(((backlog - first.count) / took) * 1000)}/s`);
}

try {
  await underLoad();
  await drain();
} finally {
  await florin.stop();
  for (const server of servers) await server.stop();
}
