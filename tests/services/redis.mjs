// A Redis server by hand, from Debian's package; nothing of it is written to disk.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { freePort } from '../e2e/florin.mjs';
import { Server, programOf } from './server.mjs';

const run = promisify(execFile);

/** Why Redis cannot be started here, or false: the value of a test's `skip`. */
export const redisMissing = () => (programOf('redis-server') ? false : 'redis-server is not installed here (scripts/setup.sh tests)');

export class Redis extends Server {
  /** `settings` are options of redis-server: { requirepass: 'secret' }. */
  static async start({ settings = {}, port, ...options } = {}) {
    const redis = new Redis('redis', options);
    redis.settings = settings;
    redis.port = port ?? await freePort();
    redis.address = await redis.network.reach(redis.port);
    await redis.run();
    return redis;
  }

  run() {
    const options = { port: this.port, bind: this.host, dir: this.folder, unixsocket: this.file('sock'), save: '', appendonly: 'no', 'protected-mode': 'no', ...this.settings };
    return this.launch([programOf('redis-server'), ...Object.entries(options).flatMap(([name, value]) => [`--${name}`, value])], {
      ready: () => this.command('PING').then((answer) => answer === 'PONG', () => false),
    });
  }

  /** REDIS_URL. */
  get url() {
    const { requirepass } = this.settings;
    return `redis://${requirepass ? `:${requirepass}@` : ''}${this.address}/0`;
  }

  /** Its answer, as redis-cli writes it. */
  async command(...words) {
    const { requirepass } = this.settings;
    const { stdout } = await run('redis-cli', ['-s', this.file('sock'), ...(requirepass ? ['--no-auth-warning', '-a', requirepass] : []), ...words.map(String)]);
    return stdout.replace(/\n$/, '');
  }
}
