// The real HAProxy, from Debian's package, with the configuration of deploy/haproxy.
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { freePort, root } from '../e2e/florin.mjs';
import { Server, programOf } from './server.mjs';

const deployed = path.join(root, 'deploy/haproxy/haproxy.cfg');

/** Why HAProxy cannot be started here, or false: the value of a test's `skip`. */
export const haproxyMissing = () => (programOf('haproxy') ? false : 'haproxy is not installed here (scripts/setup.sh tests)');

const connects = (host, port) => new Promise((resolve) => {
  const socket = net.connect(port, host, () => { socket.destroy(); resolve(true); }).on('error', () => resolve(false));
});

export class Haproxy extends Server {
  /** `services` are the started Florins by the name that stands in the configuration: { api: [florin, …], gateway: [florin] }. */
  static async start(services, options = {}) {
    const haproxy = new Haproxy('haproxy', options);
    haproxy.ports = { http: await freePort(), grpc: await freePort() };
    fs.writeFileSync(haproxy.file('haproxy.cfg'), haproxy.rewritten(services));
    await haproxy.run();
    return haproxy;
  }

  /** As it is deployed, but for addresses and patience: servers stand one by one where names would be resolved. */
  rewritten(services) {
    const faces = { 8080: 'http', 8030: 'grpc' };
    return fs.readFileSync(deployed, 'utf8')
      .replace(/ resolvers docker$/m, '')
      .replace(/^resolvers docker\n(?: .*\n)+/m, '')
      .replace('timeout check 2s', 'timeout check 20s') // of instances that a busy machine lets wait
      .replace(/bind :(\d+)/g, (_, port) => `bind ${this.host}:${this.ports[faces[port]]}`)
      .replace(/server-template \S+ \d+ ([a-z-]+):(\d+) check port 8031/g, (_, name, port) => services[name]
        .map((florin, i) => `server ${name}${i} ${this.host}:${florin.ports[faces[port]]} check port ${florin.ports.health}`).join('\n    '));
  }

  run() {
    return this.launch([programOf('haproxy'), '-db', '-f', this.file('haproxy.cfg')], { ready: () => connects(this.host, this.ports.http) });
  }
}
