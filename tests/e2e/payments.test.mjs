// The merchant payments API, as clients meet it: over HTTP, against the built binary.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Florin, until } from './florin.mjs';

const unlimited = { APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', APP_RATE_LIMIT_CAPTURE_CAPACITY: '0', APP_RATE_LIMIT_REFUND_CAPACITY: '0' };
// Twins wait for each other, however slow the machine is.
const patient = { IDEMPOTENCY_PATIENCE_MS: '60000', GATEWAY_CB_MIN_CALLS: '100' };
// For gateways that hang; what they leave is left to nobody.
const hasty = { GATEWAY_TIMEOUT_MS: '500', IDEMPOTENCY_PATIENCE_MS: '500', RECOVERY_AFTER_MS: '3600000', GATEWAY_CB_MIN_CALLS: '100' };
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

let florin, impatient;
before(async () => {
  florin = await Florin.start([], { ...unlimited, ...patient });
  impatient = await Florin.start([], { ...unlimited, ...hasty });
});
after(async () => { for (const one of [florin, impatient]) assert.equal(await one?.stop(), 0); });

let numbers = 0;
const fresh = (what) => `${what}-${process.pid}-${Date.now()}-${++numbers}`;

async function ask(target, options = {}, server = florin) {
  const { status, headers, body } = await server.get('http', target, options);
  return { status, headers, text: body, json: headers['content-type']?.includes('json') ? JSON.parse(body) : null };
}
const post = (target, body, headers = {}, server = florin) => ask(target, {
  method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: typeof body === 'string' ? body : JSON.stringify(body),
}, server);

const authorize = (fields = {}, headers = {}, server = florin) => post('/payments/authorize', { merchantId: 'shop-1', amount: 10_000, currency: 'KRW', idempotencyKey: fresh('key'), ...fields }, headers, server);
const change = (operation, id, fields = {}, headers = {}, server = florin) => post(`/payments/${operation}/${id}`, { merchantId: 'shop-1', ...(operation === 'refund' && { reason: 'changed their mind' }), ...fields }, headers, server);
const show = async (id, merchant = 'shop-1', server = florin) => (await ask(`/payments/${id}?merchantId=${merchant}`, {}, server)).json;

async function captured(fields = {}) {
  const { json } = await authorize(fields);
  assert.equal((await change('capture', json.paymentId)).json.status, 'CAPTURED');
  return json.paymentId;
}

function refused(answer, status, code, text = /./) {
  assert.equal(answer.status, status, answer.text);
  assert.equal(answer.json.code, code);
  assert.match(answer.json.message, text);
  assert.ok('paymentId' in answer.json);
  return answer.json;
}

test('the curl commands of a shop work as they are written, under both prefixes', async () => {
  const sh = async (command) => JSON.parse((await promisify(execFile)('bash', ['-c', command.replaceAll('localhost:8080', `127.0.0.1:${florin.ports.http}`)])).stdout);
  for (const prefix of ['/payments', '/api/payments']) {
    const key = fresh('curl');
    const paid = await sh(`curl -s -X POST http://localhost:8080${prefix}/authorize -H "Content-Type: application/json" -d '{"merchantId":"JENKINS","amount":1000,"currency":"KRW","idempotencyKey":"${key}"}'`);
    assert.equal(paid.message, 'Payment authorized successfully');
    assert.equal(paid.status, 'AUTHORIZED');
    const taken = await sh(`curl -s -X POST http://localhost:8080${prefix}/capture/${paid.paymentId} -H "Content-Type: application/json" -d '{"merchantId":"JENKINS"}'`);
    assert.equal(taken.message, 'Payment captured successfully');
    const back = await sh(`curl -s -X POST http://localhost:8080${prefix}/refund/${paid.paymentId} -H "Content-Type: application/json" -d '{"merchantId":"JENKINS","reason":"manual-refund"}'`);
    assert.equal(back.message, 'Payment refunded successfully');
    assert.equal(back.status, 'REFUNDED');
    assert.equal((await sh(`curl -s http://localhost:8080${prefix}/${paid.paymentId}?merchantId=JENKINS`)).status, 'REFUNDED');
    assert.equal((await sh(`curl -s "http://localhost:8080${prefix}?merchantId=JENKINS&limit=1"`)).payments.length, 1);
    assert.equal((await sh(`curl -s http://localhost:8080${prefix.replace('/payments', '')}/circuit-breaker/status`)).rules.state, 'CLOSED');
  }
});

test('an authorization has every field filled', async () => {
  const { status, json, headers } = await authorize({ amount: '50000' });
  assert.equal(status, 200);
  assert.match(headers['content-type'], /^application\/json/);
  assert.match(json.paymentId, uuid);
  assert.match(json.createdAt, instant);
  assert.match(json.updatedAt, instant);
  assert.match(json.approvalNumber, /^APP[0-9A-F]{8}$/);
  assert.match(json.transactionId, /^txn_[0-9a-f]{8}$/);
  const { merchantId, amount, currency, capturedAmount, refundedAmount, failureCode, failureMessage } = json;
  assert.deepEqual({ merchantId, amount, currency, capturedAmount, refundedAmount, failureCode, failureMessage },
    { merchantId: 'shop-1', amount: 50_000, currency: 'KRW', capturedAmount: 0, refundedAmount: 0, failureCode: null, failureMessage: null });
  assert.ok(json.ledgerEntries.every((entry) => entry.amount === 50_000 && entry.debitAccount && entry.creditAccount));
});

test('a payment is captured in part and refunded until nothing is left', async () => {
  const { json: { paymentId } } = await authorize();
  const taken = await change('capture', paymentId, { amount: 8_000 });
  assert.equal(taken.json.status, 'CAPTURED');
  assert.equal(taken.json.capturedAmount, 8_000);
  const part = await change('refund', paymentId, { amount: 3_000 });
  assert.equal(part.json.status, 'PARTIALLY_REFUNDED');
  assert.equal(part.json.refundedAmount, 3_000);
  assert.equal(refused(await change('refund', paymentId, { amount: 5_001 }), 422, 'REFUND_AMOUNT_TOO_LARGE', /5000/).paymentId, paymentId);
  const rest = await change('refund', paymentId);
  assert.equal(rest.json.status, 'REFUNDED');
  assert.equal(rest.json.refundedAmount, 8_000);
  refused(await change('refund', paymentId), 409, 'REFUND_CONFLICT', /REFUNDED/);
  const story = await show(paymentId);
  assert.deepEqual(story.history.map(({ status, amount }) => [status, amount]), [['AUTHORIZED', 10_000], ['CAPTURED', 8_000], ['PARTIALLY_REFUNDED', 3_000], ['REFUNDED', 5_000]].slice(-story.history.length));
  const balance = {};
  for (const { debitAccount, creditAccount, amount } of story.ledgerEntries) {
    balance[debitAccount] = (balance[debitAccount] ?? 0) + amount;
    balance[creditAccount] = (balance[creditAccount] ?? 0) - amount;
  }
  assert.ok(story.ledgerEntries.length >= 4);
  assert.deepEqual(Object.entries(balance).filter(([, amount]) => amount !== 0), [], 'after a full refund every account is where it was');
});

test('an authorization is voided, and a captured payment is not', async () => {
  const { json: { paymentId } } = await authorize();
  const gone = await change('void', paymentId, { reason: 'out of stock' });
  assert.equal(gone.json.status, 'VOIDED');
  assert.equal(gone.json.message, 'Payment voided successfully');
  refused(await change('void', paymentId), 409, 'VOID_CONFLICT', /VOIDED/);
  refused(await change('capture', paymentId), 409, 'CAPTURE_CONFLICT', /VOIDED/);
  refused(await change('void', await captured()), 409, 'VOID_CONFLICT', /CAPTURED/);
  const { json: { paymentId: large } } = await authorize();
  refused(await change('capture', large, { amount: 10_001 }), 422, 'CAPTURE_AMOUNT_TOO_LARGE', /10000/);
  refused(await change('refund', large), 409, 'REFUND_CONFLICT', /AUTHORIZED/);
});

test('the same key and request get the same answer again, and say so', async () => {
  const body = { idempotencyKey: fresh('replay') };
  const first = await authorize(body);
  assert.equal(first.headers['idempotent-replayed'], undefined);
  const again = await authorize(body);
  assert.equal(again.headers['idempotent-replayed'], 'true');
  assert.equal(again.text, first.text);
  const id = first.json.paymentId;
  for (const [operation, fields] of [['capture', {}], ['refund', { amount: 100 }]]) {
    const key = { 'idempotency-key': fresh(operation) };
    const done = await change(operation, id, fields, key);
    const replay = await change(operation, id, fields, key);
    assert.deepEqual([replay.status, replay.text, replay.headers['idempotent-replayed']], [200, done.text, 'true']);
    refused(await change(operation, id, { ...fields, amount: 99 }, key), 422, 'IDEMPOTENCY_KEY_REUSED');
  }
  assert.equal((await show(id)).refundedAmount, 100);
});

test('a key stands in the header or the body, belongs to its merchant, and is not for another request', async () => {
  const key = fresh('header');
  const { json } = await authorize({ idempotencyKey: undefined }, { 'idempotency-key': key });
  const replay = await authorize({ idempotencyKey: key });
  assert.equal(replay.json.paymentId, json.paymentId);
  assert.equal(refused(await authorize({ idempotencyKey: key, amount: 10_001 }), 422, 'IDEMPOTENCY_KEY_REUSED').paymentId, json.paymentId);
  refused(await authorize({ idempotencyKey: key, currency: 'USD' }), 422, 'IDEMPOTENCY_KEY_REUSED');
  const other = await authorize({ idempotencyKey: key, merchantId: 'shop-2' });
  assert.equal(other.status, 200);
  assert.notEqual(other.json.paymentId, json.paymentId);
  refused(await authorize({ idempotencyKey: 'a' }, { 'idempotency-key': 'b' }), 400, 'INVALID_REQUEST', /idempotencyKey/);
  refused(await authorize({ idempotencyKey: ' ' }, { 'idempotency-key': key }), 400, 'INVALID_REQUEST', /idempotencyKey must not be blank/);
  refused(await authorize({ idempotencyKey: undefined }), 400, 'INVALID_REQUEST', /idempotencyKey/);
});

test('a refused request leaves its key free', async () => {
  const { json: { paymentId } } = await authorize();
  const key = { 'idempotency-key': fresh('free') };
  refused(await change('refund', paymentId, {}, key), 409, 'REFUND_CONFLICT');
  await change('capture', paymentId);
  assert.equal((await change('refund', paymentId, {}, key)).json.status, 'REFUNDED');
});

test('fifty twins at once make one payment', async () => {
  const merchantId = fresh('twins').slice(-32);
  const body = { merchantId, idempotencyKey: fresh('twin') };
  const answers = await Promise.all(Array.from({ length: 50 }, () => authorize(body)));
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
  assert.equal(answers.filter(({ headers }) => headers['idempotent-replayed'] !== 'true').length, 1);
  assert.equal((await ask(`/payments?merchantId=${merchantId}`)).json.payments.length, 1);
});

test('refunds that race give back no more than was captured', async () => {
  const id = await captured();
  const answers = await Promise.all(Array.from({ length: 20 }, () => change('refund', id, { amount: 900 })));
  assert.equal(answers.filter(({ status }) => status === 200).length, 11);
  for (const answer of answers.filter(({ status }) => status !== 200)) refused(answer, 422, 'REFUND_AMOUNT_TOO_LARGE', /100/);
  assert.equal((await show(id)).refundedAmount, 9_900);
});

test('a capture and a void that race leave one winner', async () => {
  for (let round = 0; round < 5; ++round) {
    const { json: { paymentId } } = await authorize();
    const [taken, gone] = await Promise.all([change('capture', paymentId), change('void', paymentId)]);
    assert.deepEqual([taken.status, gone.status].sort(), [200, 409]);
    assert.equal((await show(paymentId)).status, taken.status === 200 ? 'CAPTURED' : 'VOIDED');
  }
});

test('a decline is a 402 with the gateway\'s code, also when it is asked again', async () => {
  for (const [amount, code] of [[100_402, 'INSUFFICIENT_FUNDS'], [100_403, 'CARD_DECLINED'], [100_405, 'CARD_EXPIRED']]) {
    const body = { amount, idempotencyKey: fresh('declined') };
    const { paymentId } = refused(await authorize(body), 402, code);
    assert.match(paymentId, uuid);
    const replay = await authorize(body);
    assert.equal(refused(replay, 402, code).paymentId, paymentId);
    assert.equal(replay.headers['idempotent-replayed'], 'true');
    const found = await show(paymentId);
    assert.deepEqual([found.status, found.failureCode, found.ledgerEntries], ['AUTH_FAILED', code, []]);
  }
  const { json: { paymentId } } = await authorize({ amount: 200_000 });
  refused(await change('capture', paymentId, { amount: 100_403 }), 402, 'CARD_DECLINED');
  assert.equal((await show(paymentId)).status, 'CAPTURE_FAILED');
  assert.equal((await change('capture', paymentId)).json.status, 'CAPTURED');
});

test('a gateway that fails, hangs or is late is never called a decline or a duplicate', async () => {
  const fault = refused(await authorize({ amount: 100_500 }, {}, impatient), 502, 'GATEWAY_ERROR');
  const hung = refused(await authorize({ amount: 100_504 }, {}, impatient), 504, 'GATEWAY_TIMEOUT');
  for (const { paymentId } of [fault, hung]) assert.match(paymentId, uuid);
  assert.ok(['READY', 'AUTHORIZED'].includes((await show(hung.paymentId, 'shop-1', impatient)).status));
  assert.equal((await authorize({ amount: 100_202 }, {}, impatient)).status, 200);
  const { json: { paymentId } } = await authorize({ amount: 300_000 }, {}, impatient);
  const key = { 'idempotency-key': fresh('hung') };
  const asked = await change('capture', paymentId, { amount: 100_504 }, key, impatient);
  assert.deepEqual([asked.status, asked.json.status, asked.json.message], [202, 'CAPTURE_REQUESTED', 'Capture requested']);
  const replay = await change('capture', paymentId, { amount: 100_504 }, key, impatient);
  assert.deepEqual([replay.status, replay.text], [202, asked.text]);
  refused(await change('capture', paymentId, {}, {}, impatient), 409, 'CAPTURE_CONFLICT', /CAPTURE_REQUESTED/);
  refused(await change('void', paymentId, {}, {}, impatient), 409, 'VOID_CONFLICT', /CAPTURE_REQUESTED/);
});

test('a twin of what hangs is told to come back', async () => {
  const body = { amount: 100_504, idempotencyKey: fresh('hang') };
  refused(await authorize(body, {}, impatient), 504, 'GATEWAY_TIMEOUT');
  refused(await authorize(body, {}, impatient), 409, 'IDEMPOTENCY_IN_PROGRESS');
});

test('payments of others, of nobody and with ids that are none are not found', async () => {
  const { json: { paymentId } } = await authorize();
  for (const id of [paymentId, '0190b0a0-0000-7000-8000-000000000000', '17', 'x'.repeat(300), '%FF', '%F0%9F%92%B3', `${paymentId}0`, "'%20OR%201=1"]) {
    const merchantId = id === paymentId ? 'shop-2' : 'shop-1';
    for (const operation of ['capture', 'refund', 'void']) refused(await change(operation, id, { merchantId }), 404, 'NOT_FOUND', /^Payment not found for merchant$/);
    refused(await ask(`/payments/${id}?merchantId=${merchantId}`), 404, 'NOT_FOUND');
  }
  assert.equal((await show(paymentId)).status, 'AUTHORIZED');
  for (const id of ['%00', '%2e%2e', '%zz']) assert.equal((await ask(`/payments/${id}?merchantId=shop-1`)).status, 400);
  refused(await ask(`/payments/${paymentId}`), 400, 'INVALID_REQUEST', /merchantId/);
});

test('every field that is wrong is named at once', async () => {
  const answer = await post('/payments/authorize', { merchantId: ' ', amount: 0, currency: 'WON!', idempotencyKey: 'k'.repeat(65) });
  refused(answer, 400, 'INVALID_REQUEST');
  assert.deepEqual(answer.json.errors.map(({ field }) => field).sort(), ['amount', 'currency', 'idempotencyKey', 'merchantId']);
  for (const [fields, field] of [[{ amount: 10.5 }, 'amount'], [{ amount: -1 }, 'amount'], [{ amount: '1e3' }, 'amount'], [{ amount: 9_223_372_036_854_775_808n.toString() }, 'amount'],
    [{ amount: true }, 'amount'], [{ amount: [] }, 'amount'], [{ amount: null }, 'amount'], [{ merchantId: 'm'.repeat(33) }, 'merchantId'], [{ merchantId: 7 }, 'merchantId'],
    [{ merchantId: 'a\u0000b' }, 'merchantId'], [{ currency: 'krw' }, 'currency'], [{ currency: {} }, 'currency'], [{ idempotencyKey: '' }, 'idempotencyKey'], [{ idempotencyKey: '  ' }, 'idempotencyKey']]) {
    const refusal = await authorize(fields);
    refused(refusal, 400, 'INVALID_REQUEST');
    assert.deepEqual(refusal.json.errors.map((error) => error.field), [field], JSON.stringify(fields));
  }
  const { json: { paymentId } } = await authorize();
  refused(await change('refund', paymentId, { reason: 'r'.repeat(129) }), 400, 'INVALID_REQUEST', /reason/);
  refused(await change('refund', paymentId, { reason: undefined }), 400, 'INVALID_REQUEST', /reason/);
});

test('bodies that are no JSON object are refused', async () => {
  for (const body of ['', '{', 'null', '[]', '"text"', '17', '{"merchantId":"m",}', '{"amount":01}', '[['.repeat(5_000), '\u0000', '{"merchantId":"\\ud800"}', '\ufeff{}']) {
    for (const target of ['/payments/authorize', '/payments/capture/x', '/payments/refund/x', '/payments/void/x']) refused(await post(target, body), 400, 'INVALID_REQUEST');
  }
  const answer = await ask('/payments/authorize', { method: 'POST', headers: { 'content-type': 'application/json' }, body: Buffer.from('7b226d65726368616e744964223a22ff227d', 'hex') });
  refused(answer, 400, 'INVALID_REQUEST');
});

test('a body that is too large, of another type, or sent with another method is refused by name', async () => {
  const large = await post('/payments/authorize', JSON.stringify({ merchantId: 'm'.repeat(2_000_000) })).catch((error) => error);
  if (large instanceof Error) assert.match(large.code, /ECONNRESET|EPIPE/); // the server need not read to the end
  else assert.equal(large.status, 413);
  assert.equal((await post('/payments/authorize', 'merchantId=shop-1', { 'content-type': 'application/x-www-form-urlencoded' })).status, 415);
  const wrong = await ask('/payments/authorize', { method: 'PUT' });
  assert.equal(wrong.status, 405);
  assert.match(wrong.headers.allow, /POST/);
  assert.equal((await authorize()).status, 200);
});

test('a list is filtered, and pages by a cursor that stays valid while payments arrive', async () => {
  const merchantId = fresh('list').slice(-32);
  const made = [];
  for (let n = 0; n < 7; ++n) made.unshift((await authorize({ merchantId })).json.paymentId);
  await change('capture', made[3], { merchantId });
  const seen = [];
  let cursor = '';
  do {
    const { json: page } = await ask(`/payments?merchantId=${merchantId}&limit=3&cursor=${cursor}`);
    seen.push(...page.payments.map(({ paymentId }) => paymentId));
    cursor = page.nextCursor;
    await authorize({ merchantId });
  } while (cursor);
  assert.deepEqual(seen, made);
  const list = async (query) => (await ask(`/api/payments?merchantId=${merchantId}&${query}`)).json.payments;
  assert.deepEqual((await list('status=CAPTURED')).map(({ paymentId }) => paymentId), [made[3]]);
  assert.equal((await list('from=2100-01-01')).length, 0);
  assert.equal((await list('to=2000-01-01T00:00:00Z')).length, 0);
  assert.equal((await list('from=2000-01-01&to=2100-01-01T00:00:00.5%2B09:00&limit=100')).length, 10);
  const { createdAt } = await show(made[3], merchantId);
  assert.equal((await list(`from=${createdAt}&limit=100`)).at(-1).paymentId, made[3], 'a time of ours is a time for us');
  for (const query of ['status=PAID', 'from=yesterday', 'to=2026-13-01', 'limit=0', 'limit=101', 'limit=x', 'cursor=nonsense', 'status=%FF']) {
    refused(await ask(`/payments?merchantId=${merchantId}&${query}`), 400, 'INVALID_REQUEST', new RegExp(query.split('=')[0]));
  }
  refused(await ask('/payments'), 400, 'INVALID_REQUEST', /merchantId/);
});

test('beyond its limit a merchant waits, while replays and other merchants go on', async () => {
  const limited = await Florin.start([], { ...patient, APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '3', APP_RATE_LIMIT_CAPTURE_CAPACITY: '2', APP_RATE_LIMIT_REFUND_CAPACITY: '1', APP_RATE_LIMIT_AUTHORIZE_WINDOW_SECONDS: '3600', APP_RATE_LIMIT_CAPTURE_WINDOW_SECONDS: '3600', APP_RATE_LIMIT_REFUND_WINDOW_SECONDS: '3600' });
  try {
    const key = fresh('limited');
    const paid = [];
    for (const remaining of ['2', '1', '0']) {
      const { json, headers } = await authorize(paid.length === 0 ? { idempotencyKey: key } : {}, {}, limited);
      paid.push(json.paymentId);
      assert.deepEqual([headers['ratelimit-limit'], headers['ratelimit-remaining']], ['3', remaining]);
      assert.match(headers['ratelimit-reset'], /^\d+$/);
    }
    const answer = await authorize({}, {}, limited);
    refused(answer, 429, 'RATE_LIMIT_EXCEEDED', /^Rate limit exceeded for authorize requests\. Try again in \d+ seconds\.$/);
    assert.ok(Number(answer.headers['retry-after']) >= 1);
    assert.equal(answer.headers['ratelimit-remaining'], '0');
    const replay = await authorize({ idempotencyKey: key }, {}, limited);
    assert.deepEqual([replay.status, replay.headers['idempotent-replayed'], replay.json.paymentId], [200, 'true', paid[0]]);
    assert.equal((await authorize({ merchantId: 'shop-2' }, {}, limited)).status, 200);
    assert.equal((await change('capture', paid[0], {}, {}, limited)).status, 200);
    assert.equal((await change('void', paid[1], {}, {}, limited)).status, 200);
    refused(await change('capture', paid[2], {}, {}, limited), 429, 'RATE_LIMIT_EXCEEDED', /for capture requests/);
    assert.equal((await change('refund', paid[0], { amount: 1 }, {}, limited)).status, 200);
    refused(await change('refund', paid[0], { amount: 1 }, {}, limited), 429, 'RATE_LIMIT_EXCEEDED', /for refund requests/);
    assert.match((await limited.get('health', '/metrics')).body, /^florin_rate_limited_total 3$/m);
  } finally {
    await limited.stop();
  }
});

test('a gateway that keeps failing is left alone, and the circuit says so', async () => {
  const failing = await Florin.start([], { ...unlimited, ...hasty, GATEWAY_CB_MIN_CALLS: '3', GATEWAY_CB_WAIT_DURATION: '3600000' });
  try {
    for (let n = 0; n < 3; ++n) refused(await authorize({ amount: 100_500 }, {}, failing), 502, 'GATEWAY_ERROR');
    const closed = await authorize({ amount: 100_500 }, {}, failing);
    refused(closed, 503, 'GATEWAY_UNAVAILABLE');
    assert.ok(Number(closed.headers['retry-after']) >= 1);
    const { rules } = (await ask('/circuit-breaker/status', {}, failing)).json;
    assert.deepEqual([rules.state, rules.numberOfFailedCalls, rules.failureRate], ['OPEN', 3, '100.00%']);
    assert.ok(rules.numberOfNotPermittedCalls >= 1);
    assert.deepEqual((await ask('/api/circuit-breaker/rules', {}, failing)).json.state, 'OPEN');
    assert.equal((await ask('/circuit-breaker/nobody', {}, failing)).status, 404);
    assert.equal((await authorize({}, {}, failing)).status, 200, 'what is decided in process needs no call');
  } finally {
    await failing.stop();
  }
});

test('what was answered before a kill -9 is there after it, and its keys replay', async () => {
  const merchantId = fresh('crash').slice(-32);
  const answered = new Map();
  const keys = Array.from({ length: 400 }, () => fresh('crash'));
  const waiting = [...keys];
  const worker = async () => {
    for (let key = waiting.shift(); key; key = waiting.shift()) {
      const answer = await authorize({ merchantId, idempotencyKey: key }).catch(() => null);
      if (answer?.status !== 200) return; // the server is gone
      answered.set(key, answer.text);
    }
  };
  const workers = Array.from({ length: 16 }, worker);
  await until('some answers', () => answered.size >= 100);
  await florin.kill();
  await Promise.all(workers);
  await florin.run();
  assert.ok(answered.size >= 100);
  for (const key of keys) {
    const replay = await authorize({ merchantId, idempotencyKey: key });
    assert.equal(replay.status, 200, replay.text);
    if (answered.has(key)) assert.deepEqual([replay.text, replay.headers['idempotent-replayed']], [answered.get(key), 'true']);
  }
  const listed = new Set();
  for (let cursor = ''; cursor !== null;) {
    const { json: page } = await ask(`/payments?merchantId=${merchantId}&limit=100&cursor=${cursor}`);
    for (const { paymentId } of page.payments) listed.add(paymentId);
    cursor = page.nextCursor;
  }
  assert.equal(listed.size, keys.length, 'one payment a key');
});
