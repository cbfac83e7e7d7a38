#!/usr/bin/env node
// What an authorization costs each process and each disk, in the layouts of docs/scaling.md: the constants of its
// capacity model. Starts the servers by hand, as the service tests do, and puts wrk's load on the API.
// FLORIN: the binary. SECONDS_LONG, CONNECTIONS: the load. LAYOUTS: some of those below, by commas.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { Florin, root, until } from '../tests/e2e/florin.mjs';
import { Kafka } from '../tests/services/kafka.mjs';
import { MariaDb } from '../tests/services/mariadb.mjs';
import { Redis } from '../tests/services/redis.mjs';
import { toolMissing } from '../tests/services/tools.mjs';

const seconds = Number(process.env.SECONDS_LONG ?? 15);
const connections = Number(process.env.CONNECTIONS ?? 64);
const ticks = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const unlimited = { APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0' };
const limited = { APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '1000000000' }; // the limiter is asked, and says yes

const layouts = {
  sqlite: { roles: ['all'] },
  mariadb: { roles: ['all'], servers: ['mariadb'] },
  parts: { roles: ['api', 'worker'], servers: ['mariadb'] },
  'two-apis': { roles: ['api', 'api', 'worker'], servers: ['mariadb'] },
  redis: { roles: ['api', 'worker'], servers: ['mariadb', 'redis'], environment: limited },
  whole: { roles: ['all'], servers: ['mariadb', 'kafka', 'redis'], environment: limited },
  kafka: { roles: ['api', 'worker', 'relay'], servers: ['mariadb', 'kafka'] },
};

const cpu = (pid) => {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1].split(' ');
  return ((Number(fields[11]) + Number(fields[12])) / ticks) * 1e6; // µs
};
const bytes = (folder) => Number(execFileSync('du', ['-sb', folder], { encoding: 'utf8' }).split('\t')[0]);

async function wrk(florin, run) {
  const { stdout } = await promisify(execFile)('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', path.join(root, 'bench/authorize.lua'), `http://127.0.0.1:${florin.ports.http}`],
    { env: { ...process.env, MERCHANTS: '1000', RUN: run } });
  const [, rate, p50, p99, answers, failed] = stdout.match(/authorizations\/s: (\d+) +p50 ([\d.]+) ms +p99 ([\d.]+) ms .*answers: (\d+) +not 2xx: (\d+)/).map(Number);
  return { rate, p50, p99, answers, failed };
}

async function startServers(names) {
  const servers = {};
  if (names.includes('mariadb')) servers.mariadb = await MariaDb.start({ settings: { 'innodb-buffer-pool-size': '1G', 'innodb-log-file-size': '512M' } });
  if (names.includes('redis')) servers.redis = await Redis.start();
  if (names.includes('kafka')) servers.kafka = await Kafka.start();
  return servers;
}

async function measure(name, { roles, servers: names = [], environment = {} }) {
  const servers = await startServers(names);
  const settings = {
    ...unlimited, ...environment, SETTLEMENT_ENABLED: 'false',
    ...(servers.mariadb && { DB_URL: servers.mariadb.url }), ...(servers.redis && { REDIS_URL: servers.redis.url }), ...(servers.kafka && { KAFKA_BOOTSTRAP_SERVERS: servers.kafka.servers }),
  };
  const florins = [];
  try {
    for (const role of roles) florins.push({ role, florin: await Florin.start(['--role', role], settings) });
    console.log(`${name.padEnd(9)}   ${await load(name, florins, servers)}`);
  } finally {
    for (const { florin } of florins) await florin.stop();
    for (const server of Object.values(servers)) await server.stop();
  }
}

async function load(name, florins, servers) {
  const apis = florins.filter(({ role }) => role === 'api' || role === 'all').map(({ florin }) => florin);
  const processes = [...florins.map(({ role, florin }) => [role, florin.process.pid]), ...Object.entries(servers).map(([server, { process: { pid } }]) => [server, pid])];
  const before = { cpu: processes.map(([, pid]) => cpu(pid)), disk: onDisk(servers, apis[0]) };
  const loads = await Promise.all(apis.map((florin, i) => wrk(florin, `${name}-${i}`)));
  const total = (field) => loads.reduce((sum, one) => sum + one[field], 0);
  const most = (field) => Math.max(...loads.map((one) => one[field]));
  await caughtUp(florins);
  const costs = {};
  processes.forEach(([label, pid], i) => { costs[label] = (costs[label] ?? 0) + (cpu(pid) - before.cpu[i]) / total('answers'); });
  const after = onDisk(servers, apis[0]);
  return [
    `${Math.round(total('rate'))}/s`, `p50 ${most('p50')} ms`, `p99 ${most('p99')} ms`, `not 2xx: ${total('failed')}`,
    Object.entries(costs).map(([label, cost]) => `${label} ${cost.toFixed(0)} µs`).join(', '),
    Object.keys(after).map((what) => `${what} ${((after[what] - before.disk[what]) / total('answers')).toFixed(0)} bytes`).join(', '),
  ].join('   ');
}

/** What grows with payments, apart from logs whose length is fixed. */
function onDisk({ mariadb }, florin) {
  if (!mariadb) return { file: bytes(path.join(florin.folder, 'data')) };
  const sum = (folder, which) => fs.readdirSync(mariadb.file(folder)).filter((name) => which.test(name))
    .reduce((total, name) => total + fs.statSync(mariadb.file(`${folder}/${name}`)).size, 0);
  return { tables: sum(`data/${mariadb.schema}`, /./), 'binary log': sum('data', /^binlog\.\d+$/) };
}

/** What follows an authorization is part of its price: the consumers' and the relay's share. */
async function caughtUp(florins) {
  const lag = async (florin) => (await florin.get('health', '/metrics')).body.matchAll(/^florin_consumer_lag\{.*\} (\S+)$/gm);
  await until('the consumers to catch up', async () => {
    for (const { florin } of florins) for (const [, behind] of await lag(florin)) if (Number(behind) > 0) return false;
    return true;
  }, 120_000);
}

const missing = toolMissing('kafka');
for (const name of (process.env.LAYOUTS ?? Object.keys(layouts).join(',')).split(',')) {
  if (layouts[name].servers?.includes('kafka') && missing) console.log(`${name}: ${missing}`);
  else await measure(name, layouts[name]);
}
