// Receivers that misbehave, on bare sockets: what becomes of their webhooks, and of everybody else's.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { test } from 'node:test';
import { Florin, receiver, until } from './florin.mjs';

/** Plays `script(socket, request)` with each request; `begun` counts them, `finished` whole answers. */
async function misbehaving(script, address = '127.0.0.1') {
  const played = { begun: 0, finished: 0 };
  const sockets = new Set();
  const server = net.createServer((socket) => {
    let text = '';
    sockets.add(socket.setNoDelay(true));
    socket.on('close', () => sockets.delete(socket)).on('error', () => {}); // the server gives up on us: that is the test
    socket.on('data', (bytes) => {
      text += bytes;
      const [head, body] = text.split('\r\n\r\n');
      if (body === undefined || body.length < Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)) return;
      played.begun += 1;
      text = '';
      script(socket, played);
    });
  }).listen(0, address);
  await once(server, 'listening');
  played.url = `http://${address}:${server.address().port}/webhook`;
  played.close = () => { for (const socket of sockets) socket.destroy(); server.close(); };
  return played;
}

/** One byte at a time; `next()` says when to go on after each. */
async function drip(socket, bytes, next) {
  for (const byte of bytes) {
    if (socket.destroyed) return false;
    socket.write(byte);
    await next();
  }
  return true;
}
const tick = (ms) => () => new Promise((go) => setTimeout(go, ms));
function* forever(start) { yield* start; for (;;) yield 'x'; }
const answer = (status, headers = '') => `HTTP/1.1 ${status}\r\n${headers}Content-Length: 0\r\n\r\n`;

const endlessScripts = {
  hangs: [(socket) => socket, /time|deadline|answer/i],
  'drips its head for ever': [(socket) => drip(socket, forever('HTTP/1.1 200 OK\r\nX-Slow: '), tick(10)), /time|deadline/i],
  'drips its body for ever': [(socket) => { socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n'); drip(socket, forever(''), tick(10)); }, /time|deadline/i],
};
const wrongScripts = {
  resets: [(socket) => socket.resetAndDestroy(), /reset|closed|ended/i],
  closes: [(socket) => socket.end(), /closed|ended|end of/i],
  'answers 500': [(socket) => socket.write(answer('500 Oops')), /500/],
  'talks nonsense': [(socket) => socket.write('what?\r\n\r\n'), /./],
  'redirects in a circle': [(socket) => socket.write(answer('307 Again', 'Location: /webhook\r\n')), /redirect/i],
  'redirects elsewhere than HTTP': [(socket) => socket.write(answer('307 Away', 'Location: ftp://127.0.0.1/\r\n')), /redirect/i],
};

async function deadLetter(florin, id) {
  return until(`the dead letter of ${id}`, async () => (await florin.json('/api/gateway/dead-letters?limit=100')).webhooks.find((webhook) => webhook.payment_intent_id === id));
}

/** Every script is played twice, and then its webhook is dead for its reason. */
async function setApart(t, scripts, flags) {
  const florin = await Florin.start(['--webhook-max-attempts', '2', '--webhook-backoff-base-ms', '50', ...flags]);
  const played = [];
  t.after(async () => { played.forEach((one) => one.close()); assert.equal(await florin.stop(), 0); });
  const cases = await Promise.all(Object.entries(scripts).map(async ([name, [script, reason]]) => {
    const one = await misbehaving(script);
    played.push(one);
    return { name, reason, one, id: (await florin.create({ webhook_url: one.url })).payment_intent_id };
  }));
  for (const { name, reason, one, id } of cases) {
    const dead = await deadLetter(florin, id);
    assert.equal(dead.attempts.length, 2, name);
    for (const attempt of dead.attempts) assert.match(attempt.error, reason, name);
    await until(`both requests to the one that ${name}`, () => one.begun >= 2);
  }
}

test('a webhook whose receiver answers wrongly is tried again and then set apart with the reason', (t) => setApart(t, wrongScripts, ['--webhook-timeout-ms', '60000']));

test('a webhook whose receiver never ends is tried again and then set apart with the reason', (t) => setApart(t, endlessScripts, ['--webhook-timeout-ms', '5000']));

test('a receiver that answers byte by byte, but in time, has its webhook', async (t) => {
  const florin = await Florin.start();
  const slow = await misbehaving(async (socket, played) => {
    if (await drip(socket, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', tick(2))) played.finished += 1;
  });
  t.after(async () => { slow.close(); assert.equal(await florin.stop(), 0); });
  const { payment_intent_id: id } = await florin.create({ webhook_url: slow.url });
  await until('the delivery', async () => (await florin.json(`/api/gateway/payments/${id}/timeline`)).timeline.some((entry) => entry.event === 'webhook_delivered'));
  await until('the end of the answer', () => slow.finished === 1); // the server may read the last byte before we hear that it is out
  assert.equal(slow.begun, 1);
});

test('a redirect to an address the egress policy refuses is not followed, and not tried again', async (t) => {
  const florin = await Florin.start(['--webhook-allow-private=false', '--webhook-allowed-hosts', '127.0.0.1']);
  const inner = await misbehaving((socket) => socket.write(answer('200 OK')), '127.0.0.2');
  const outer = await misbehaving((socket) => socket.write(answer('307 Inside', `Location: ${inner.url}\r\n`)));
  t.after(async () => { inner.close(); outer.close(); assert.equal(await florin.stop(), 0); });
  const { payment_intent_id: id } = await florin.create({ webhook_url: outer.url });
  const dead = await deadLetter(florin, id);
  assert.equal(dead.attempts.length, 1);
  assert.match(dead.attempts[0].error, /127\.0\.0\.2/);
  assert.equal(outer.begun, 1);
  assert.equal(inner.begun, 0);
});

test('receivers that never finish delay nobody else', async (t) => {
  // An attempt may take minutes here: whoever had to wait for one of them would wait in vain.
  const florin = await Florin.start(['--webhook-timeout-ms', '300000', '--webhook-concurrency-per-host', '4', '--shutdown-timeout-ms', '500']);
  const endless = await Promise.all(Object.keys(endlessScripts).map((name) => misbehaving(endlessScripts[name][0])));
  const healthy = await receiver();
  t.after(async () => { endless.forEach((one) => one.close()); healthy.close(); assert.equal(await florin.stop(), 0); });
  const tags = { delay_ms: '0' };
  for (let n = 0; n < 40; ++n) await Promise.all(endless.map(({ url }) => florin.create({ webhook_url: url, metadata: { tags } })));
  await until('full lanes', () => endless.every((one) => one.begun === 4));
  const ids = await Promise.all(Array.from({ length: 100 }, () => florin.create({ webhook_url: healthy.url, metadata: { tags } })));
  await until('the healthy', () => new Set(healthy.webhooks.map(({ json }) => json.payment_id)).size === ids.length);
  assert.equal(healthy.webhooks.length, ids.length);
  for (const one of endless) assert.equal(one.begun, 4, 'never more under way than the lane allows');
  await until('the healthy answers to be heard', async () => /^florin_webhook_in_flight 12$/m.test((await florin.get('health', '/metrics')).body));
});
