// The networks that other tests cut: what is sent meanwhile is neither refused nor delivered, and goes on afterwards.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import { after, before, describe, test } from 'node:test';
import { until } from '../e2e/florin.mjs';
import { Link, openNetwork } from './partition.mjs';
import { Redis, redisMissing } from './redis.mjs';

/** A connection that counts what comes back. */
async function connect(address) {
  const [host, port] = address.split(':');
  const socket = net.connect(Number(port), host);
  const talk = { socket, heard: '', ended: false };
  socket.on('data', (text) => { talk.heard += text; });
  for (const event of ['error', 'close']) socket.on(event, () => { talk.ended = true; });
  await once(socket, 'connect');
  return talk;
}

describe('a network that is cut', { skip: redisMissing() }, () => {
  let network, redis;
  before(async () => {
    network = await openNetwork();
    redis = await Redis.start({ network });
  });
  after(async () => {
    await redis?.stop();
    await network?.close();
  });

  test('is whole at first', async () => {
    const talk = await connect(redis.address);
    talk.socket.write('PING\r\n');
    await until('an answer', () => talk.heard === '+PONG\r\n');
    talk.socket.destroy();
  });

  test('carries nothing while it is cut, and everything when it is healed', async (context) => {
    context.diagnostic(`cut by ${network.constructor.name}`);
    const talk = await connect(redis.address);
    await network.cut();
    talk.socket.write('SET cut 1\r\n');
    // The server itself is well, and has not heard of it.
    assert.equal(await redis.command('EXISTS', 'cut'), '0');
    assert.deepEqual([talk.heard, talk.ended], ['', false]);
    await network.heal();
    await until('the answer', () => talk.heard === '+OK\r\n', 120_000);
    talk.socket.destroy();
  });
});

test('a proxy cuts, heals and resets like a network', async () => {
  const echo = net.createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const link = await Link.to(echo.address().port);
  const talk = await connect(link.address);
  talk.socket.write('one ');
  await until('the first word', () => talk.heard === 'one ');
  link.cut();
  talk.socket.write('two');
  const later = await connect(link.address);
  later.socket.write('three');
  link.heal();
  await until('the second word', () => talk.heard === 'one two' && later.heard === 'three');
  link.reset();
  await until('the end', () => talk.ended && later.ended);
  link.close();
  echo.close();
});
