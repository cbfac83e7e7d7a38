// A disk of its own, small enough to be filled: memory that only root may mount.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Kafka } from './kafka.mjs';
import { MariaDb } from './mariadb.mjs';

const chunk = Buffer.alloc(1 << 16);

const mount = (folder, megabytes) => execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}M`, 'florin-test', folder], { stdio: 'pipe' });
const unmount = (folder) => execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' });

/** Why no disk can be made here, or false: the value of a test's `skip`. */
export function smallDiskMissing() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'florin-disk-'));
  try {
    mount(folder, 1);
    unmount(folder);
    return false;
  } catch (error) {
    return `a disk that may be filled needs the right to mount: ${String(error.stderr ?? error.message).trim()}`;
  } finally {
    fs.rmdirSync(folder);
  }
}

export class SmallDisk {
  #bytes;

  /** Mounts `megabytes` at the folder, which it makes. */
  constructor(folder, megabytes) {
    this.folder = folder;
    this.#bytes = megabytes << 20;
    fs.mkdirSync(folder);
    mount(folder, megabytes);
  }

  /** Takes all that is free. Refuses when this is not the small disk: the machine's own must not be filled. */
  fill() {
    const { blocks, bsize } = fs.statfsSync(this.folder);
    if (blocks * bsize !== this.#bytes) throw new Error(`${this.folder} has ${blocks * bsize} bytes, not ${this.#bytes}: nothing was mounted`);
    const file = fs.openSync(this.#filler, 'a');
    try {
      for (let left = this.#bytes; left > 0;) left -= fs.writeSync(file, chunk);
    } catch (error) {
      if (error.code !== 'ENOSPC') throw error;
    } finally {
      fs.closeSync(file);
    }
  }

  /** Gives back what `fill` took. */
  free() {
    fs.rmSync(this.#filler, { force: true });
  }

  /** Also while a process still has files there: they go with it. */
  remove() {
    unmount(this.folder);
  }

  get #filler() {
    return path.join(this.folder, 'filler');
  }
}

const pause = 1_000; // before it is started again, as systemd waits

/** A server that is watched over as systemd does: when it ends by itself it is started again. `disk` is the one it fills. */
const watched = (Base) => class extends Base {
  #stopping = false;
  restarts = 0;
  trouble = ''; // why the last start failed

  /** Until `stop`. */
  watch() {
    this.watching = (async () => {
      for (;;) {
        await this.exited;
        if (this.#stopping) return;
        ++this.restarts;
        await new Promise((next) => setTimeout(next, pause));
        if (this.#stopping) return;
        await this.run().catch(async (error) => {
          this.trouble = error.message;
          await this.kill();
        });
      }
    })();
  }

  async stop() {
    this.#stopping = true;
    await this.halt();
    await this.watching;
    await super.stop(); // it may have been starting
  }

  abandon() {
    if (this.alive) this.process.kill('SIGKILL');
    this.disk?.remove();
    this.disk = null;
    super.abandon();
  }
};

export class MariaDbOnSmallDisk extends watched(MariaDb) {
  create() {
    this.disk = new SmallDisk(this.file('data'), 320);
    super.create();
  }
}

export class KafkaOnSmallDisk extends watched(Kafka) {
  format() {
    this.disk = new SmallDisk(this.file('data'), 64);
    super.format();
  }
}
