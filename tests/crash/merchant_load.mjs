// Merchants that pay while the server is killed. Each asks again with the same key until it is answered, and writes down
// what it was told and what that makes of its payments.
import assert from 'node:assert/strict';
import http from 'node:http';
import { until } from '../e2e/florin.mjs';

// As src/payments/rule_gateway.h has them.
const magic = { late: 100_202, poor: 100_402, declined: 100_403, fault: 100_500, never: 100_504 };
const large = 300_000; // parts of it may be magic

const states = {
  authorize: { asked: 'READY', approved: 'AUTHORIZED', declined: 'AUTH_FAILED' },
  capture: { asked: 'CAPTURE_REQUESTED', approved: 'CAPTURED', declined: 'CAPTURE_FAILED' },
  refund: { asked: 'REFUND_REQUESTED', declined: 'REFUND_FAILED' },
  void: { asked: 'VOID_REQUESTED', approved: 'VOIDED' },
};
const events = {
  authorize: { approved: 'payment.authorized', declined: 'payment.authorization-failed' },
  capture: { asked: 'payment.capture-requested', approved: 'payment.captured', declined: 'payment.capture-failed' },
  refund: { asked: 'payment.refund-requested', approved: 'payment.refunded', declined: 'payment.refund-failed' },
  void: { approved: 'payment.voided' },
};

/** What the gateway says, sooner or later; "open": nothing, ever. */
function outcome(payment, operation, amount) {
  if (payment.simulated || operation === 'void') return 'approved';
  if (amount === magic.poor || amount === magic.declined) return 'declined';
  return amount === magic.fault || amount === magic.never ? 'open' : 'approved';
}

const view = (status, captured, refunded) => `${status} captured ${captured} refunded ${refunded}`;
const viewOf = (json) => view(json.status, json.capturedAmount, json.refundedAmount);

/** What an operation does to a payment: how it stands while the gateway is asked and then, and the events that tell of it. */
function plan(payment, operation, amount) {
  const result = outcome(payment, operation, amount);
  const asked = view(states[operation].asked, payment.captured, payment.refunded);
  const wentOut = payment.simulated || (operation !== 'void' && [magic.late, magic.fault, magic.never].includes(amount));
  const told = [wentOut && events[operation].asked, events[operation][result]].filter(Boolean).map((type) => `${type} ${amount}`);
  if (result === 'open') return { result, wentOut, asked, status: states[operation].asked, captured: payment.captured, refunded: payment.refunded, told };
  const taken = result === 'approved';
  const captured = payment.captured + (taken && operation === 'capture' ? amount : 0);
  const refunded = payment.refunded + (taken && operation === 'refund' ? amount : 0);
  const status = states[operation][result] ?? (refunded === captured ? 'REFUNDED' : 'PARTIALLY_REFUNDED');
  return { result, wentOut, asked, status, captured, refunded, told };
}

/** Workers pass while it is open; who arrives while it is closed waits. */
class Gate {
  waiting = 0;
  #opened = null;

  open() { this.#opened?.resolve(); this.#opened = null; }
  close() { this.#opened ??= promised(); }
  async pass() {
    if (!this.#opened) return;
    ++this.waiting;
    await this.#opened.promise;
    --this.waiting;
  }
}

function promised() {
  const made = {};
  made.promise = new Promise((resolve) => { made.resolve = resolve; });
  return made;
}

/** Calls `work` with each item, some at a time. */
async function forEach(items, work) {
  const rest = [...items];
  await Promise.all(Array.from({ length: 24 }, async () => { while (rest.length > 0) await work(rest.pop()); }));
}

export class MerchantLoad {
  payments = [];
  answers = []; // every request whose answer is stored, with that answer
  gate = new Gate();
  counts = { broken: 0, replayedAfterKill: 0, doneAfterKill: 0, underWay: 0, twins: 0 };
  #agent = new http.Agent({ keepAlive: true });
  #touched = new Set(); // payments since the last check
  #checked = 0; // answers
  #ended = false;
  #keys = 0;

  /** `merchants`: of each worker. `next`: random numbers in [0, 1). */
  constructor(florin, merchants, next) {
    this.florin = florin;
    this.merchants = merchants;
    this.next = next;
    this.workers = Promise.all(merchants.map((merchant) => this.#work(merchant)));
    this.workers.catch((error) => { this.failed = error; }); // until `end` awaits them
  }

  /** Resumes when every worker stands before the gate: it is closed, and the server is gone. */
  async park() {
    await until('the workers to stop', () => {
      if (this.failed) throw this.failed;
      return this.gate.waiting === this.merchants.length;
    });
  }

  /** Lets the payments that have begun come to their end. */
  async end() {
    this.#ended = true;
    this.gate.open();
    await this.workers;
  }

  /** Compares what the server knows with what it said since the last check; workers stand before the gate. */
  async check() {
    await this.#find(this.#touched);
    await this.#replay(this.answers.slice(this.#checked));
    this.#touched = new Set([...this.#touched].filter((payment) => payment.may));
    this.#checked = this.answers.length;
  }

  async checkAll() {
    await this.#find(this.payments);
    await this.#replay(this.answers);
    this.#agent.destroy();
  }

  async #find(payments) {
    await forEach([...payments].filter(({ id }) => id), async (payment) => {
      const { status, text, json } = await decided(() => this.#send('GET', `/payments/${payment.id}?merchantId=${payment.merchant}`));
      assert.equal(status, 200, text);
      const may = payment.may ?? [payment.view];
      assert.ok(may.includes(viewOf(json)), `payment ${payment.id} must be ${may.join(' or ')}, and is ${viewOf(json)}`);
    });
  }

  async #replay(answers) {
    await forEach(answers, async ({ request, answer }) => {
      const again = await decided(() => this.#post(request));
      assert.deepEqual([again.status, again.text, again.replayed], [answer.status, answer.text, true], JSON.stringify(request));
    });
  }

  async #work(merchant) {
    while (!this.#ended) {
      const payment = this.#open(merchant);
      await this.#perform(payment, 'authorize', payment.amount);
      if (payment.status !== 'AUTHORIZED') continue;
      if (this.next() < 0.15) {
        await this.#perform(payment, 'void', payment.amount);
      } else {
        await this.#take(payment);
      }
    }
  }

  async #take(payment) {
    await this.#perform(payment, 'capture', this.#part(payment, payment.amount));
    if (payment.status === 'CAPTURE_FAILED') await this.#perform(payment, this.next() < 0.3 ? 'void' : 'capture', payment.amount);
    if (payment.status !== 'CAPTURED') return;
    if (this.next() < 0.2) await this.#refused(payment, 'capture', payment.amount, 409);
    for (let refunds = 0; refunds < 3 && this.next() < 0.7 && payment.refunded < payment.captured; ++refunds) {
      const left = payment.captured - payment.refunded;
      if (this.next() < 0.2) await this.#refused(payment, 'refund', left + 1, 422);
      await this.#perform(payment, 'refund', this.#part(payment, left));
      if (payment.open) return;
    }
  }

  #open(merchant) {
    const simulated = merchant.includes('sim');
    const dice = this.next();
    let amount = dice < 0.5 ? large : 1 + Math.floor(dice * 50_000);
    if (!simulated && dice > 0.85) amount = dice > 0.99 ? magic.never : dice > 0.98 ? magic.fault : dice > 0.94 ? magic.poor : magic.late;
    const payment = { merchant, simulated, amount, key: `payment-${this.payments.length}`, captured: 0, refunded: 0, events: [], open: false };
    this.payments.push(payment);
    return payment;
  }

  #part(payment, limit) {
    const dice = this.next();
    if (!payment.simulated && limit > magic.never && dice < 0.2)
      return dice < 0.01 ? magic.never : dice < 0.02 ? magic.fault : dice < 0.06 ? magic.declined : magic.late;
    return dice < 0.5 ? limit : 1 + Math.floor(this.next() * limit);
  }

  /** Asks until it is answered, and until the payment stands as it must. */
  async #perform(payment, operation, amount) {
    const step = plan(payment, operation, amount);
    const then = view(step.status, step.captured, step.refunded);
    payment.may = [payment.view, step.asked, then];
    this.#touched.add(payment);
    const answer = await this.#ask(this.#request(payment, operation, amount), step);
    assert.ok(answer.json.paymentId, answer.text);
    payment.id ??= answer.json.paymentId;
    assert.equal(answer.json.paymentId, payment.id);
    if (answer.status === 200) {
      assert.equal(step.result, 'approved', answer.text);
      assert.equal(viewOf(answer.json), then);
    } else if (answer.status === 402) {
      assert.equal(step.result, 'declined', answer.text);
    } else {
      assert.ok(step.wentOut, answer.text);
      ++this.counts.underWay;
      payment.may = [step.asked, then];
      await this.#reached(payment, then);
    }
    this.#touched.add(payment);
    Object.assign(payment, { status: step.status, captured: step.captured, refunded: step.refunded, view: then, may: null, open: step.result === 'open' });
    payment.events.push(...step.told);
  }

  #request(payment, operation, amount) {
    const body = { merchantId: payment.merchant, idempotencyKey: `${operation}-${++this.#keys}` };
    if (operation === 'authorize') return { target: '/payments/authorize', body: { ...body, idempotencyKey: payment.key, amount, currency: 'KRW' } };
    if (operation !== 'capture') body.reason = 'changed their mind';
    if (operation === 'refund' || amount !== payment.amount) body.amount = amount;
    return { target: `/payments/${operation}/${payment.id}`, body };
  }

  async #ask(request, step) {
    const copies = this.next() < 0.1 ? 2 : 1; // impatient clients ask twice at once
    for (let killed = false; ;) {
      await this.gate.pass();
      const answers = await Promise.all(Array.from({ length: copies }, () => this.#post(request)));
      const stored = answers.filter((answer) => [200, 202, 402].includes(answer?.status));
      for (const answer of answers) assert.ok(!answer || stored.includes(answer) || isUndecided(answer), answer?.text);
      if (stored.length > 0) {
        this.#count(stored, killed);
        this.answers.push({ request, answer: stored[0] });
        return stored[0];
      }
      const undecided = answers.find((answer) => answer?.json.paymentId);
      if (undecided && step.result === 'open') return undecided;
      killed ||= answers.includes(null);
      if (answers.includes(null)) ++this.counts.broken;
      else await new Promise((next) => setTimeout(next, 10));
    }
  }

  #count(stored, killed) {
    assert.equal(new Set(stored.map(({ status, text }) => `${status} ${text}`)).size, 1, 'twins get the same answer');
    assert.ok(stored.filter(({ replayed }) => !replayed).length <= 1, 'one of the twins does it');
    if (stored.length > 1) ++this.counts.twins;
    if (killed) ++this.counts[stored[0].replayed ? 'replayedAfterKill' : 'doneAfterKill'];
  }

  /** What must be refused is, whatever is killed; its key stays free. */
  async #refused(payment, operation, amount, expected) {
    const request = this.#request(payment, operation, amount);
    for (;;) {
      await this.gate.pass();
      const answer = await this.#post(request);
      if (answer && answer.status !== 503) return assert.equal(answer.status, expected, answer.text);
    }
  }

  async #reached(payment, expected) {
    for (const deadline = Date.now() + 300_000; ;) {
      await this.gate.pass();
      const found = await this.#send('GET', `/payments/${payment.id}?merchantId=${payment.merchant}`);
      if (found?.status === 200 && viewOf(found.json) === expected) return;
      assert.ok(Date.now() < deadline, `payment ${payment.id} never became ${expected}: ${found?.text}`);
      await new Promise((next) => setTimeout(next, 20));
    }
  }

  #post({ target, body }) { return this.#send('POST', target, body); }

  /** The answer, or null when the server went away before it was complete. */
  #send(method, path, body) {
    return new Promise((resolve) => {
      const headers = body ? { 'content-type': 'application/json' } : {};
      const request = http.request({ host: '127.0.0.1', port: this.florin.ports.http, method, path, headers, agent: this.#agent }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (part) => { text += part; }).on('close', () => {
          if (!answer.complete) return resolve(null);
          resolve({ status: answer.statusCode, text, json: JSON.parse(text), replayed: answer.headers['idempotent-replayed'] === 'true' });
        });
      });
      request.on('error', () => resolve(null)).end(body && JSON.stringify(body));
    });
  }
}

/** Asks as a client does that is told to come back: a server may be ready before each of its connections is. */
async function decided(ask) {
  let answer;
  await until('an answer', async () => { answer = await ask(); return answer && !isUndecided(answer); })
    .catch((error) => { throw new Error(`${error.message}: ${answer?.text}`); });
  return answer;
}

/** What became of it is being found out, or nothing was stored: the same request is to be sent again. */
function isUndecided({ status, json }) {
  return [502, 503, 504].includes(status) || (status === 409 && json.code === 'IDEMPOTENCY_IN_PROGRESS');
}
