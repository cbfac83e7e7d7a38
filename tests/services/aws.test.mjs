// The whole way through an AWS that nobody here wrote (moto): payment, event bus, rule, queue, worker, reservation.
// Bus, rule, target, queue and its dead letters are made by the AWS command line.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { Florin, forgotten, freePort, remembered, removeFolder, root, until } from '../e2e/florin.mjs';
import { Worker, inventory, reservationApi } from '../e2e/reservations.mjs';
import { toolMissing } from './tools.mjs';

const skip = toolMissing('moto');
const tools = path.join(root, 'build/tools');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'florin-aws-'));
let moto, url, environment, florin, worker, api, seats, orders, dead;
let answer = () => 200;

const aws = (...args) => {
  const out = execFileSync(path.join(tools, 'aws'), [...args, '--profile', 'tacos', '--region', 'ap-northeast-2', '--endpoint-url', url, '--output', 'json'], { env: { PATH: process.env.PATH, ...environment }, encoding: 'utf8' });
  return out ? JSON.parse(out) : {};
};

async function startMoto() {
  const port = await freePort();
  moto = spawn(path.join(tools, 'moto'), ['-H', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
  moto.abandon = () => moto.kill('SIGKILL');
  remembered(moto);
  url = `http://127.0.0.1:${port}`;
  await until('moto', () => fetch(`${url}/moto-api/`).then(() => true, () => false), 180_000);
}

before(async () => {
  if (skip) return;
  await startMoto();
  fs.writeFileSync(path.join(folder, 'credentials'), '[tacos]\naws_access_key_id = test\naws_secret_access_key = test\n');
  environment = { AWS_SHARED_CREDENTIALS_FILE: path.join(folder, 'credentials'), AWS_CONFIG_FILE: path.join(folder, 'config'), AWS_PROFILE: 'tacos', AWS_REGION: 'ap-northeast-2', AWS_EC2_METADATA_DISABLED: 'true' };
  dead = aws('sqs', 'create-queue', '--queue-name', 'traffic-tacos-payment-webhooks-dlq').QueueUrl;
  orders = aws('sqs', 'create-queue', '--queue-name', 'traffic-tacos-payment-webhooks', '--attributes',
    JSON.stringify({ RedrivePolicy: JSON.stringify({ deadLetterTargetArn: 'arn:aws:sqs:ap-northeast-2:123456789012:traffic-tacos-payment-webhooks-dlq', maxReceiveCount: 3 }) })).QueueUrl;
  aws('events', 'create-event-bus', '--name', 'ticket-reservation-events');
  aws('events', 'put-rule', '--name', 'payment-events-to-sqs', '--event-pattern', '{"source": ["payment-sim-api"], "detail-type": ["Payment Status Updated"]}', '--event-bus-name', 'ticket-reservation-events');
  aws('events', 'put-targets', '--rule', 'payment-events-to-sqs', '--event-bus-name', 'ticket-reservation-events', '--targets', 'Id=1,Arn=arn:aws:sqs:ap-northeast-2:123456789012:traffic-tacos-payment-webhooks');
  api = await reservationApi({ answer: (...call) => answer(...call) });
  seats = await inventory();
  florin = await Florin.start(['--aws-events'], { ...environment, AWS_ENDPOINT_URL: url });
  // Keys come from the profile: an empty variable is none.
  worker = new Worker({ ...environment, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_ENDPOINT_URL: url, PAYMENT_WEBHOOK_QUEUE_URL: orders, RESERVATION_API_BASE: api.url, INVENTORY_GRPC_ADDR: seats.address });
  await worker.run();
});

after(async () => {
  if (worker) assert.equal(await worker.stop(), 0, worker.log);
  if (florin) assert.equal(await florin.stop(), 0, florin.log);
  seats?.close();
  api?.close();
  if (moto) {
    const ended = once(moto, 'exit');
    moto.kill();
    await ended;
    forgotten(moto);
  }
  removeFolder(folder);
});

const statusOf = (id) => until(`${id} to be told`, () => api.patches.find((patch) => patch.id === id)?.status, 120_000);

test('the command line shows bus, rule and queues', { skip }, () => {
  const buses = aws('events', 'list-event-buses').EventBuses.map(({ Name }) => Name);
  assert.ok(buses.includes('ticket-reservation-events'), buses.join());
  assert.equal(aws('events', 'describe-event-bus', '--name', 'ticket-reservation-events').Name, 'ticket-reservation-events');
  const [rule] = aws('events', 'list-rules', '--event-bus-name', 'ticket-reservation-events').Rules;
  assert.deepEqual([rule.Name, JSON.parse(rule.EventPattern).source], ['payment-events-to-sqs', ['payment-sim-api']]);
  assert.deepEqual(new Set(aws('sqs', 'list-queues').QueueUrls), new Set([orders, dead]));
});

test('a payment that succeeds confirms its reservation', { skip }, async () => {
  await florin.create({ reservation_id: 'moto-1' });
  assert.equal(await statusOf('moto-1'), 'CONFIRMED');
  await until('the seats', () => seats.calls.find(({ id }) => id === 'moto-1')?.method === 'commit');
});

test('a payment that fails cancels it and gives the seats back', { skip }, async () => {
  await florin.create({ reservation_id: 'moto-2', scenario: 'PAYMENT_SCENARIO_FAIL' });
  assert.equal(await statusOf('moto-2'), 'CANCELLED');
  await until('the seats', () => seats.calls.find(({ id }) => id === 'moto-2')?.method === 'release');
});

test('a hundred payments at once are all told, once each', { skip }, async () => {
  await Promise.all(Array.from({ length: 100 }, (_, i) => florin.create({ reservation_id: `many-${i}` })));
  const told = () => new Set(api.patches.filter(({ id }) => id.startsWith('many-')).map(({ id, status, key }) => `${id} ${status} ${key}`));
  await until('all of them', () => told().size >= 100, 180_000);
  assert.equal(told().size, 100, 'who is told again is told the same under the same key');
});

test('what fails again and again is redriven to the dead letters by the queue', { skip }, async () => {
  answer = (method, id) => (id === 'moto-3' ? 503 : 200);
  await florin.create({ reservation_id: 'moto-3' });
  const left = await until('the dead letter', () => aws('sqs', 'receive-message', '--queue-url', dead).Messages, 180_000);
  answer = () => 200;
  assert.equal(JSON.parse(left[0].Body).detail.reservation_id, 'moto-3');
});

test('what can never succeed is sent to the queue that the worker is given for it', { skip }, async () => {
  const queueOf = (name) => aws('sqs', 'create-queue', '--queue-name', name).QueueUrl;
  const source = queueOf('other-orders');
  const aside = queueOf('other-orders-dlq');
  const other = new Worker({ ...environment, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', AWS_ENDPOINT_URL: url, PAYMENT_WEBHOOK_QUEUE_URL: source, PAYMENT_WEBHOOK_DLQ_URL: aside, RESERVATION_API_BASE: api.url, INVENTORY_GRPC_ADDR: seats.address });
  await other.run();
  aws('sqs', 'send-message', '--queue-url', source, '--message-body', 'oops');
  const [left] = await until('the dead letter', () => aws('sqs', 'receive-message', '--queue-url', aside, '--message-attribute-names', 'All').Messages, 180_000);
  assert.deepEqual([left.Body, left.MessageAttributes.ErrorType.StringValue], ['oops', 'MalformedMessage']);
  assert.equal(await other.stop(), 0, other.log);
  const { Attributes } = aws('sqs', 'get-queue-attributes', '--queue-url', source, '--attribute-names', 'All');
  assert.deepEqual([Attributes.ApproximateNumberOfMessages, Attributes.ApproximateNumberOfMessagesNotVisible], ['0', '0']);
});

test('what no worker has taken is read from the queue by the command line', { skip }, async () => {
  assert.equal(await worker.stop(), 0, worker.log);
  worker = null;
  await florin.create({ reservation_id: 'moto-4' });
  // moto may still hold one that it has told twice.
  const outcomeOf = ({ Body }) => JSON.parse(Body).detail.reservation_id;
  const message = await until('the message', () => aws('sqs', 'receive-message', '--queue-url', orders).Messages?.find((one) => outcomeOf(one) === 'moto-4'), 180_000);
  assert.equal(JSON.parse(message.Body)['detail-type'], 'Payment Status Updated');
});
