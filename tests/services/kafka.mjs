// A Kafka broker of one node (KRaft) from Maven's artifacts. `topics` looks into it.
import fs from 'node:fs';
import path from 'node:path';
import { freePort, root } from '../e2e/florin.mjs';
import { Topics } from '../e2e/topics.mjs';
import { Server } from './server.mjs';

export const libraries = path.join(root, 'build/tools/kafka');

/** The command of a Java program out of Kafka's libraries; small, and quick to start rather than quick for days. */
export function java(folder, heapMegabytes, main, ...args) {
  const log4j = path.join(folder, 'log4j.properties');
  fs.writeFileSync(log4j, [
    'log4j.rootLogger=WARN, stdout', 'log4j.appender.stdout=org.apache.log4j.ConsoleAppender',
    'log4j.appender.stdout.layout=org.apache.log4j.PatternLayout', 'log4j.appender.stdout.layout.ConversionPattern=%d{HH:mm:ss.SSS} %p %c{1}: %m%n',
    'log4j.logger.org.apache.kafka.common.utils.AppInfoParser=ERROR', 'log4j.logger.org.reflections=ERROR', '',
  ].join('\n'));
  return ['java', `-Xmx${heapMegabytes}m`, '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Xshare:auto', '-XX:-UsePerfData',
    `-Djava.io.tmpdir=${folder}`, `-Dlog4j.configuration=file:${log4j}`, '-cp', path.join(libraries, 'libs/*'), main, ...args];
}

export class Kafka extends Server {
  /**
   * `settings` go into server.properties, or what a function makes of the broker does. `doors` are more listeners for
   * clients: { TLS: 'SSL' }, found at `address('TLS')`.
   */
  static async start({ settings = {}, doors = {}, ...options } = {}) {
    const kafka = new this('kafka', options);
    kafka.settings = typeof settings === 'function' ? settings(kafka) : settings;
    kafka.doors = doors;
    kafka.ports = { clients: await freePort(), tests: await freePort(), controller: await freePort() };
    for (const door of Object.keys(doors)) kafka.ports[door] = await freePort();
    kafka.servers = await kafka.network.reach(kafka.ports.clients); // KAFKA_BOOTSTRAP_SERVERS
    kafka.topics = new Topics(`${kafka.host}:${kafka.ports.tests}`);
    kafka.format();
    await kafka.run();
    return kafka;
  }

  address(door) {
    return `${this.host}:${this.ports[door]}`;
  }

  /** What the storage tool would write; the broker itself adds its newest feature level. */
  format() {
    fs.mkdirSync(this.file('data'), { recursive: true });
    fs.writeFileSync(this.file('data/meta.properties'), 'version=1\ncluster.id=florin-service-tests00\nnode.id=1\n');
    const { clients, tests, controller } = this.ports;
    const more = (text) => Object.entries(this.doors).map(([door, protocol]) => `,${text(door, protocol)}`).join('');
    const listeners = more((door) => `${door}://${this.address(door)}`);
    const settings = {
      'process.roles': 'broker,controller', 'node.id': 1, 'log.dirs': this.file('data'),
      // Tests look in by a listener of their own, past a proxy that is cut.
      listeners: `CLIENTS://${this.host}:${clients},TESTS://${this.host}:${tests},CONTROLLER://${this.host}:${controller}${listeners}`,
      'advertised.listeners': `CLIENTS://${this.servers},TESTS://${this.host}:${tests}${listeners}`,
      'listener.security.protocol.map': `CLIENTS:PLAINTEXT,TESTS:PLAINTEXT,CONTROLLER:PLAINTEXT${more((door, protocol) => `${door}:${protocol}`)}`,
      'controller.listener.names': 'CONTROLLER', 'inter.broker.listener.name': 'TESTS', 'controller.quorum.voters': `1@${this.host}:${controller}`,
      // One that was killed comes back soon, when its old session has ended; one that waits for its turn is not fenced.
      'broker.session.timeout.ms': 6000, 'broker.heartbeat.interval.ms': 500,
      'auto.create.topics.enable': false, 'group.initial.rebalance.delay.ms': 0, 'group.min.session.timeout.ms': 1000,
      'offsets.topic.replication.factor': 1, 'offsets.topic.num.partitions': 4, 'transaction.state.log.replication.factor': 1,
      'transaction.state.log.min.isr': 1, 'transaction.state.log.num.partitions': 4, 'num.network.threads': 2, 'num.io.threads': 4,
      'log.cleaner.dedupe.buffer.size': 8_388_608, ...this.settings,
    };
    fs.writeFileSync(this.file('server.properties'), Object.entries(settings).map(([name, value]) => `${name}=${value}\n`).join(''));
  }

  run() {
    return this.launch(java(this.folder, 320, 'kafka.Kafka', this.file('server.properties')), { ready: () => this.topics.answers() });
  }

  async stop() {
    await this.topics.close();
    await super.stop();
  }
}
