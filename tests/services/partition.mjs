// Networks that a test can cut: packets vanish, nobody is told. A network namespace where the system lets us make one
// (root, with `ip`), else a proxy on the loopback, which can only stop carrying bytes.
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import { promisify } from 'node:util';
import { forgotten, remembered } from '../e2e/florin.mjs';

const run = promisify(execFile);
const ip = (...words) => run('ip', words.map(String));

/** Where servers listen that are never cut off. */
export const loopback = { host: '127.0.0.1', command: [], reach: async (port) => `127.0.0.1:${port}` };

/**
 * A network for the servers that are started with it: `cut()`, `heal()`, `close()`.
 */
export async function openNetwork() {
  return (await Namespace.open()) ?? new Proxies();
}

let made = 0;

class Namespace {
  static async open() {
    const id = `${process.pid % 65_536}-${made += 1}`;
    const space = new Namespace();
    // 198.18.0.0/15 is set aside for tests; each network takes four addresses of it.
    const base = ((process.pid * 8 + made) % 32_000) * 4;
    const address = (last) => `198.${18 + (base >> 16)}.${(base >> 8) & 255}.${(base & 255) + last}`;
    Object.assign(space, { name: `florin-${id}`, outside: `fo${id}`, inside: `fi${id}`, near: address(1), host: address(2), command: ['ip', 'netns', 'exec', `florin-${id}`] });
    try {
      await ip('netns', 'add', space.name);
    } catch {
      return null; // not root, or no `ip`: the proxy serves
    }
    remembered(space);
    try {
      await space.connect();
      return space;
    } catch {
      await space.close(); // containers may have namespaces, and no way to connect them
      return null;
    }
  }

  async connect() {
    await ip('link', 'add', this.outside, 'type', 'veth', 'peer', 'name', this.inside, 'netns', this.name);
    await ip('addr', 'add', `${this.near}/30`, 'dev', this.outside);
    await ip('link', 'set', this.outside, 'up');
    await this.within('addr', 'add', `${this.host}/30`, 'dev', this.inside);
    await this.within('link', 'set', 'lo', 'up');
    await this.heal();
  }

  within(...words) {
    return ip('netns', 'exec', this.name, 'ip', ...words);
  }

  async reach(port) {
    return `${this.host}:${port}`;
  }

  /** The far end goes down; the near one keeps its neighbour, so that what is sent is lost rather than refused. */
  async cut() {
    await this.within('link', 'set', this.inside, 'down');
  }

  async heal() {
    await this.within('link', 'set', this.inside, 'up');
    const hardware = async (answer) => JSON.parse((await answer).stdout)[0].address;
    const far = await hardware(this.within('-j', 'link', 'show', this.inside));
    const near = await hardware(ip('-j', 'link', 'show', this.outside));
    await ip('neigh', 'replace', this.host, 'lladdr', far, 'nud', 'permanent', 'dev', this.outside);
    await this.within('neigh', 'replace', this.near, 'lladdr', near, 'nud', 'permanent', 'dev', this.inside);
  }

  async close() {
    await ip('netns', 'del', this.name);
    forgotten(this);
  }

  abandon() {
    execFileSync('ip', ['netns', 'del', this.name]);
  }
}

/** One proxy a port, all cut together. */
class Proxies {
  constructor() {
    Object.assign(this, { host: '127.0.0.1', command: [], links: [] });
  }

  async reach(port) {
    const link = await Link.to(port);
    this.links.push(link);
    return link.address;
  }

  cut() {
    for (const link of this.links) link.cut();
  }

  heal() {
    for (const link of this.links) link.heal();
  }

  close() {
    for (const link of this.links) link.close();
  }
}

/** Carries connections to a port of the loopback. While it is cut it accepts them, and carries nothing. */
export class Link {
  static async to(port) {
    const link = new Link();
    link.port = port;
    link.whole = true;
    link.pairs = new Set();
    link.server = net.createServer((near) => link.join(near)).listen(0, '127.0.0.1');
    await once(link.server, 'listening');
    link.address = `127.0.0.1:${link.server.address().port}`;
    return link;
  }

  join(near) {
    const far = net.connect(this.port, '127.0.0.1');
    const pair = [near, far];
    this.pairs.add(pair);
    for (const [from, to] of [pair, [far, near]]) {
      from.setNoDelay(true);
      from.on('data', (bytes) => { if (!to.write(bytes)) from.pause(); });
      to.on('drain', () => { if (this.whole) from.resume(); });
      from.on('end', () => to.end());
      from.on('error', () => to.destroy());
      from.on('close', () => { to.destroy(); this.pairs.delete(pair); });
      if (!this.whole) from.pause();
    }
  }

  cut() {
    this.whole = false;
    for (const pair of this.pairs) for (const socket of pair) socket.pause();
  }

  heal() {
    this.whole = true;
    for (const pair of this.pairs) for (const socket of pair) socket.resume();
  }

  /** Breaks every connection, aloud. */
  reset() {
    for (const [near, far] of this.pairs) {
      near.resetAndDestroy();
      far.destroy();
    }
  }

  close() {
    this.reset();
    this.server.close();
  }
}
