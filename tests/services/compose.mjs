// What deploy/compose.scale.yaml starts, so that tests start the same: its settings, flags and numbers.
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { root } from '../e2e/florin.mjs';

const file = path.join(root, 'deploy/compose.scale.yaml');
const python = '/usr/bin/python3'; // Debian's, which scripts/setup.sh gives PyYAML

/** Its services, with what they share merged into each. */
export function composeServices() {
  const script = 'import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))["services"]))';
  return JSON.parse(execFileSync(python, ['-c', script, file], { encoding: 'utf8', maxBuffer: 1 << 24 }));
}

/**
 * The environment of a service: ${NAME} and ${NAME:?…} are taken from `variables`, which must have them; ${NAME:-word}
 * is the word. `addresses` says what stands where the file names a service: { 'redis:6379': '127.0.0.1:10001' }.
 */
export function environmentOf(service, variables, addresses) {
  const filled = (text) => Object.entries(addresses).reduce((all, [name, address]) => all.replace(name, address),
    text.replace(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name, sign, word) => {
      if (sign === '-') return word;
      if (variables[name] === undefined) throw new Error(`the test gives ${name} no value`);
      return variables[name];
    }));
  return Object.fromEntries(Object.entries(service.environment).map(([name, text]) => [name, filled(String(text))]));
}

/** The flags of its Redis, as `Redis.start` takes them; a command in another form is refused rather than half read. */
export function redisFlags(service, variables) {
  const { flags } = /^exec redis-server(?<flags>(?: --[a-z-]+ (?:"[^"]*"|[^\s"]+))+)$/.exec(service.command.at(-1)).groups;
  return Object.fromEntries([...flags.matchAll(/--(\S+) (?:"([^"]*)"|(\S+))/g)]
    .map(([, name, quoted, bare]) => [name, (quoted ?? bare).replace(/\$\$(\w+)/g, (_, variable) => variables[variable])]));
}
