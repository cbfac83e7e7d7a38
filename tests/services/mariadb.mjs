// A MariaDB server by hand, from Debian's package: binary log in rows, durable commits, and a user for Florin.
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort, root } from '../e2e/florin.mjs';
import { Server, programOf } from './server.mjs';

const run = promisify(execFile);
const deploy = path.join(root, 'deploy/debezium');
const asRoot = process.getuid() === 0 ? ['--user=root'] : []; // mariadbd wants to be told so

/** Why MariaDB cannot be started here, or false: the value of a test's `skip`. */
export const mariadbMissing = () => (programOf('mariadbd') ? false : 'mariadbd is not installed here (scripts/setup.sh tests)');

const escapes = { n: '\n', t: '\t', 0: '\0', '\\': '\\' };
const cell = (text) => (text === 'NULL' ? null : text.replace(/\\([nt0\\])/g, (_, letter) => escapes[letter]));

export class MariaDb extends Server {
  /**
   * `settings` are options of mariadbd: { 'max-connections': 500 }. `port` and `serverId` make a server that stands in
   * for another one. `schema` is the database Florin gets.
   */
  static async start({ settings = {}, port, serverId = 1, schema = 'florin', ...options } = {}) {
    const mariadb = new this('mariadb', options);
    mariadb.settings = settings;
    mariadb.port = port ?? await freePort();
    mariadb.address = await mariadb.network.reach(mariadb.port);
    mariadb.serverId = serverId;
    mariadb.schema = schema;
    mariadb.create();
    await mariadb.run();
    await mariadb.sql(`
      CREATE DATABASE \`${schema}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
      CREATE USER florin@'%' IDENTIFIED BY 'florin'; GRANT ALL ON \`${schema}\`.* TO florin@'%';`, 'mysql');
    return mariadb;
  }

  create() {
    execFileSync('mariadb-install-db', [...asRoot, '--no-defaults', `--datadir=${this.file('data')}`, '--auth-root-authentication-method=normal',
      '--skip-test-db', '--skip-name-resolve', '--innodb-log-file-size=64M'], { stdio: 'pipe' });
    // The host's tests come by the socket, whichever network the server listens on.
    fs.writeFileSync(this.file('client.cnf'), `[client]\nsocket=${this.file('sock')}\nuser=root\n`);
  }

  /** Makes the user of Debezium as deploy/debezium/grants.sql describes it; needs Florin's tables. */
  admitDebezium() {
    const grants = fs.readFileSync(path.join(deploy, 'grants.sql'), 'utf8');
    return this.sql(grants.replace('change-me', 'debezium'));
  }

  run() {
    const options = {
      datadir: this.file('data'), socket: this.file('sock'), port: this.port, 'bind-address': this.host, 'pid-file': this.file('pid'),
      'server-id': this.serverId,
      'innodb-buffer-pool-size': '256M', 'innodb-log-file-size': '64M', 'character-set-server': 'utf8mb4', 'collation-server': 'utf8mb4_unicode_ci',
      'max-connections': 200, ...this.settings,
    };
    const flags = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    return this.launch([programOf('mariadbd'), `--defaults-file=${path.join(deploy, 'mariadb.cnf')}`, ...asRoot, '--skip-name-resolve', ...flags], {
      ready: () => this.sql('SELECT 1', 'mysql').then(() => true, () => false),
    });
  }

  /** DB_URL. */
  get url() {
    return `mariadb://florin:florin@${this.address}/${this.schema}`;
  }

  /** Runs `text`; the rows of its one SELECT as objects of texts: the text NULL cannot be told from no value. */
  async sql(text, schema = this.schema) {
    const { stdout } = await run('mariadb', [`--defaults-file=${this.file('client.cnf')}`, '--batch', '--default-character-set=utf8mb4', schema, '-e', text], { maxBuffer: 1 << 30 });
    const [head, ...rows] = stdout.split('\n').slice(0, -1).map((line) => line.split('\t').map(cell));
    return rows.map((row) => Object.fromEntries(row.map((value, i) => [head[i], value])));
  }

  /** The one value of the one row. */
  async value(text) {
    return Object.values((await this.sql(text))[0])[0];
  }
}
