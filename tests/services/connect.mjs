// A Kafka Connect worker with Debezium's connector, from Maven's artifacts and the files in deploy/debezium.
import fs from 'node:fs';
import path from 'node:path';
import { freePort, root, until } from '../e2e/florin.mjs';
import { java, libraries } from './kafka.mjs';
import { Server } from './server.mjs';

const deploy = path.join(root, 'deploy/debezium');

export class Connect extends Server {
  /** A worker that writes to `kafka` and may read `mariadb`. */
  static async start({ kafka, mariadb, ...options }) {
    const connect = new Connect('connect', options);
    Object.assign(connect, { kafka, mariadb, port: await freePort() });
    const settings = {
      'bootstrap.servers': kafka.servers, listeners: `http://127.0.0.1:${connect.port}`, 'plugin.path': path.join(libraries, 'plugins'), 'plugin.discovery': 'service_load',
      'config.storage.replication.factor': 1, 'offset.storage.replication.factor': 1, 'status.storage.replication.factor': 1,
      'offset.storage.partitions': 1, 'status.storage.partitions': 1,
      'session.timeout.ms': 10_000, 'heartbeat.interval.ms': 1_000, // a worker that waits for its turn is not one that has died
      'scheduled.rebalance.max.delay.ms': 0,
    };
    const given = fs.readFileSync(path.join(deploy, 'worker.properties'), 'utf8');
    fs.writeFileSync(connect.file('worker.properties'), `${given}\n${Object.entries(settings).map(([name, value]) => `${name}=${value}\n`).join('')}`);
    await connect.run();
    return connect;
  }

  run() {
    const [DB_HOST, DB_PORT] = this.mariadb.address.split(':');
    return this.launch(java(this.folder, 384, 'org.apache.kafka.connect.cli.ConnectDistributed', this.file('worker.properties')), {
      env: { DB_HOST, DB_PORT, DB_NAME: this.mariadb.schema, DEBEZIUM_USERNAME: 'debezium', DEBEZIUM_PASSWORD: 'debezium', KAFKA_BOOTSTRAP_SERVERS: this.kafka.servers },
      ready: () => this.request('GET', '/connectors').then(() => true, () => false),
    });
  }

  async request(method, target, body) {
    const answer = await fetch(`http://127.0.0.1:${this.port}${target}`, {
      method, headers: { 'content-type': 'application/json' }, body: body && JSON.stringify(body), signal: AbortSignal.timeout(60_000),
    });
    const text = await answer.text();
    if (!answer.ok) throw Object.assign(new Error(`${method} ${target}: ${answer.status} ${text}`), { status: answer.status });
    return text && JSON.parse(text);
  }

  /** Registers the connector as deploy/debezium describes it, and returns when nothing can be lost any more. */
  async register(changes = {}) {
    const config = { ...JSON.parse(fs.readFileSync(path.join(deploy, 'florin-outbox.json'), 'utf8')), 'heartbeat.interval.ms': 100, ...changes };
    await until('Connect to take the connector', () => this.request('PUT', '/connectors/florin-outbox/config', config).then(() => true, (error) => {
      if (error.status !== 409 && error.status !== 500) throw error;
      return false; // it takes none while its workers share the work out anew
    }), 180_000);
    await this.streaming();
  }

  /** Restarts a task that has failed: Connect leaves that to whoever operates it. */
  async restartFailed() {
    await this.request('POST', '/connectors/florin-outbox/restart?includeTasks=true&onlyFailed=true');
  }

  /** Returns when the connector's task reads the binary log from a position that is written down. */
  async streaming() {
    await until('the connector', async () => {
      const { tasks = [] } = await this.request('GET', '/connectors/florin-outbox/status').catch(() => ({}));
      if (tasks[0]?.state === 'FAILED') throw new Error(tasks[0].trace);
      if (tasks[0]?.state !== 'RUNNING') return false;
      const { offsets } = await this.request('GET', '/connectors/florin-outbox/offsets').catch(() => ({ offsets: [] }));
      const readers = await this.mariadb.value("SELECT COUNT(*) FROM information_schema.processlist WHERE user = 'debezium' AND command = 'Binlog Dump'");
      return offsets.length > 0 && readers !== '0';
    }, 180_000).catch((error) => { throw new Error(`${error.message}\n${this.log.slice(-5_000)}`); });
  }
}
