// The real Prometheus, from Debian's package, with the configuration of deploy/prometheus.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { freePort, root } from '../e2e/florin.mjs';
import { Server, programOf } from './server.mjs';

export const deployed = path.join(root, 'deploy/prometheus');

/** Why Prometheus cannot be started here, or false: the value of a test's `skip`. */
export const prometheusMissing = () => (programOf('prometheus') ? false : 'prometheus is not installed here (scripts/setup.sh tests)');

/** What promtool says of a file of deploy/prometheus as it stands there; throws when it is wrong. */
export function promtool(what, file) {
  return execFileSync('promtool', ['check', what, path.join(deployed, file)], { encoding: 'utf8', stdio: 'pipe' });
}

/**
 * The configuration as it is deployed, but for addresses and pace: `targets` says what listens where, by the name of a
 * host (`florin`) that stands in it as a target or as a name to be resolved.
 */
export function rewritten(file, targets) {
  const listed = (name) => {
    if (!targets[name]) throw new Error(`${file} scrapes ${name}, and the test has started none`);
    return `static_configs:\n      - targets: ${JSON.stringify(targets[name])}`;
  };
  return fs.readFileSync(path.join(deployed, file), 'utf8')
    .replace(/_interval: \d+s/g, '_interval: 1s')
    .replace(/static_configs:\n\s+- targets: \["([a-z-]+):8031"\]/g, (_, name) => listed(name))
    .replace(/dns_sd_configs:\n\s+- names: \["([a-z-]+)"\]\n\s+type: A\n\s+port: 8031/g, (_, name) => listed(name))
    .replace('- alerts.yml', `- ${path.join(deployed, 'alerts.yml')}`);
}

export class Prometheus extends Server {
  static async start(configuration, options = {}) {
    const prometheus = new Prometheus('prometheus', options);
    prometheus.port = await freePort();
    fs.writeFileSync(prometheus.file('prometheus.yml'), configuration);
    await prometheus.run();
    return prometheus;
  }

  run() {
    return this.launch([programOf('prometheus'), `--config.file=${this.file('prometheus.yml')}`, `--storage.tsdb.path=${this.file('data')}`,
      `--web.listen-address=${this.host}:${this.port}`, '--log.level=warn'], { ready: () => this.get('/-/ready').then((answer) => answer.ok, () => false) });
  }

  get(target) {
    return fetch(`http://${this.host}:${this.port}${target}`);
  }

  async api(target) {
    const { status, data, error } = await (await this.get(`/api/v1/${target}`)).json();
    if (status !== 'success') throw new Error(`${target}: ${error}`);
    return data;
  }

  async targets() {
    return (await this.api('targets')).activeTargets.map(({ labels, health, lastError }) => ({ job: labels.job, instance: labels.instance, health, lastError }));
  }

  /** The series of one instant. */
  async query(text) {
    return (await this.api(`query?query=${encodeURIComponent(text)}`)).result;
  }

  /** Every alerting rule by its name: { state: 'firing', health: 'ok' }. */
  async rules() {
    const { groups } = await this.api('rules');
    return Object.fromEntries(groups.flatMap(({ rules }) => rules).map((rule) => [rule.name, rule]));
  }
}

/** Every query of every dashboard, with Grafana's ranges filled in. */
export function dashboardQueries() {
  const folder = path.join(root, 'deploy/grafana/dashboards');
  return fs.readdirSync(folder).flatMap((file) => {
    const board = JSON.parse(fs.readFileSync(path.join(folder, file), 'utf8'));
    return board.panels.flatMap((panel) => (panel.targets ?? []).map(({ expr }) => ({
      board: board.title, panel: panel.title, query: expr.replaceAll('$__range', '10m').replaceAll('$__rate_interval', '1m'),
    })));
  });
}
