// A server that a test starts by hand: in a temporary folder, on free loopback ports, stopped by its pid.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { forgotten, remembered, removeFolder, until } from '../e2e/florin.mjs';
import { loopback } from './partition.mjs';

/** Lets a test skip by name where a server's files cannot be had; `program` is looked for in PATH and /usr/sbin. */
export function programOf(program) {
  const folders = [...process.env.PATH.split(':'), '/usr/sbin'];
  return folders.map((folder) => path.join(folder, program)).find((file) => fs.existsSync(file));
}

export class Server {
  /** `network` is where it listens: the loopback by default, or what partition.mjs makes. */
  constructor(name, { network = loopback } = {}) {
    this.name = name;
    this.network = network;
    this.host = network.host;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), `florin-${name}-`));
    this.log = '';
    remembered(this);
  }

  file(name) {
    return path.join(this.folder, name);
  }

  /** Starts `command` and waits at most `ms` until `ready` answers true. */
  async launch(command, { env = {}, ms = 180_000, ready = () => this.ready() } = {}) {
    const [program, ...args] = [...this.network.command, ...command].map(String);
    this.process = spawn(program, args, { cwd: this.folder, env: { PATH: process.env.PATH, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
    this.exited = once(this.process, 'exit');
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => { this.log = (this.log + text).slice(-200_000); });
    }
    await until(`${this.name} to start`, async () => {
      if (!this.alive) throw new Error(`${this.name} has ended:\n${this.log}`);
      return ready();
    }, ms).catch((error) => { throw new Error(`${error.message}\n${this.log.slice(-5_000)}`); });
    return this;
  }

  get alive() {
    return this.process?.exitCode === null && this.process.signalCode === null;
  }

  /** Stops every instruction of it, as a machine that hangs would; its connections stay open. */
  pause() {
    this.process.kill('SIGSTOP');
  }

  resume() {
    this.process.kill('SIGCONT');
  }

  async kill() {
    if (!this.alive) return;
    this.process.kill('SIGKILL');
    await this.exited;
  }

  async halt() {
    if (!this.alive) return;
    this.process.kill('SIGCONT'); // a paused process does not hear SIGTERM
    this.process.kill('SIGTERM');
    const patience = setTimeout(() => this.process.kill('SIGKILL'), 60_000);
    await this.exited;
    clearTimeout(patience);
  }

  /** Stops it gracefully and starts it again on the same ports and data. */
  async restart() {
    await this.halt();
    await this.run();
  }

  async stop() {
    await this.halt();
    this.abandon();
  }

  abandon() {
    if (this.alive) this.process.kill('SIGKILL');
    removeFolder(this.folder);
    forgotten(this);
  }
}
