// Kills the server with SIGKILL at random moments while seats are held, confirmed, cancelled, paid for and left to expire,
// and holds it to every answer it gave: no seat lost, none sold twice, no reservation with two ends.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Florin, until } from '../e2e/florin.mjs';
import { Seats } from '../e2e/seats.mjs';
import { random } from './reconcile.mjs';

const rounds = Number(process.env.CRASH_ROUNDS ?? 20);
const seed = Number(process.env.CRASH_SEED ?? Date.now() % 1_000_000);
const seatsOfEvent = 400;
const clients = 8;

/** Clients that want seats, and all that they were told. */
class Crowd {
  constructor(florin, next) {
    this.florin = florin;
    this.seats = new Seats(florin);
    this.next = next;
    this.told = new Map(); // reservation -> { ids, ends: the statuses it was told to have ended in, paid: a payment was taken }
    this.counts = { held: 0, changed: 0, refused: 0, broken: 0, paid: 0 };
    this.answers = 0;
    this.keys = 0;
    this.open = true;
  }

  run() { this.running = Array.from({ length: clients }, () => this.client()); }
  async stop() { this.open = false; await Promise.all(this.running); }

  async client() {
    while (this.open) {
      try {
        await (this.next() < 0.5 ? this.hold() : this.end());
        this.answers += 1;
      } catch (fault) {
        if (fault instanceof assert.AssertionError) throw fault;
        this.counts.broken += 1; // the server is gone: what became of this is unknown
        await new Promise((again) => setTimeout(again, 5));
      }
    }
  }

  // The same key until there is an answer: a hold whose answer was lost must not take other seats.
  async hold() {
    const key = `key-${++this.keys}`;
    const fields = { event_id: 'rush', quantity: 1 + Math.floor(this.next() * 3), ...(this.next() < 0.3 ? { expires_in_seconds: 1 } : {}) };
    for (;;) {
      const answer = await this.seats.tryHold(fields, { 'idempotency-key': key }).catch(() => null);
      if (!answer) { this.counts.broken += 1; await new Promise((again) => setTimeout(again, 5)); continue; }
      if (answer.status !== 201) { this.counts.refused += 1; return; }
      this.counts.held += 1;
      this.told.set(answer.json.reservation_id, { ids: answer.json.seat_ids, ends: this.told.get(answer.json.reservation_id)?.ends ?? new Set() });
      return;
    }
  }

  // Again until there is an answer, too: a payment that nobody knows of would end a reservation while it is looked at.
  async pay(id, scenario) {
    const payment = { reservation_id: id, scenario, idempotency_key: `pay-${++this.keys}` };
    while (!await this.florin.create(payment).catch(() => null)) {
      this.counts.broken += 1;
      await new Promise((again) => setTimeout(again, 5));
    }
  }

  async end() {
    const all = [...this.told];
    if (all.length === 0) return;
    const [id, told] = all[Math.floor(this.next() * all.length)];
    const dice = this.next();
    if (dice < 0.2) {
      await this.pay(id, dice < 0.1 ? 'PAYMENT_SCENARIO_APPROVE' : 'PAYMENT_SCENARIO_FAIL');
      told.paid = true;
      this.counts.paid += 1;
      return;
    }
    const { status, json } = await this.seats.ask('POST', `/api/reservations/${id}/${dice < 0.3 ? 'confirm' : 'cancel'}`);
    assert.ok(status === 200 || status === 409, JSON.stringify(json));
    if (status === 200) { told.ends.add(json.status); this.counts.changed += 1; }
  }
}

test(`${rounds} kills lose no seat and sell none twice (CRASH_SEED=${seed})`, { timeout: 900_000 }, async (t) => {
  const next = random(seed);
  const florin = await Florin.start(['--log-level', 'error'], { DEFAULT_DELAY_MS: '20' });
  t.after(() => florin.stop());
  const crowd = new Crowd(florin, next);
  await crowd.seats.makeEvent('rush', seatsOfEvent);
  crowd.run();
  for (let round = 0; round < rounds; ++round) {
    const moment = Date.now() + 30 + next() * 300;
    const enough = crowd.answers + 20; // a slow machine takes longer to have something to lose
    await until('the moment to kill', () => Date.now() >= moment && crowd.answers >= enough);
    await florin.kill();
    await florin.run();
  }
  await crowd.stop();
  const { seats, told } = crowd;
  await until('every short hold to expire and every payment to be dealt with', async () => {
    for (const [id, { paid }] of told) {
      const { status, hold_expires_at: end } = await seats.get(id);
      const short = Date.parse(end) <= Date.now() + 60_000;
      if (status === 'HOLD' && (paid || short)) return false;
    }
    return true;
  }, 180_000);
  const counts = await seats.counts('rush');
  assert.equal(counts.available + counts.reserved + counts.sold, seatsOfEvent, JSON.stringify(counts));
  const owners = new Map([...await seats.seatsOf('rush', 'RESERVED'), ...await seats.seatsOf('rush', 'SOLD')]);
  const sold = await seats.seatsOf('rush', 'SOLD');
  let owned = 0;
  for (const [id, { ids, ends }] of told) {
    const { status, seat_ids: now } = await seats.get(id);
    assert.deepEqual(now, ids, `${id} has other seats than it was told`);
    assert.ok(ends.size <= 1, `${id} was told ${[...ends]}`);
    if (ends.size === 1) assert.equal(status, [...ends][0], `${id} was told another end`);
    if (status !== 'HOLD' && status !== 'CONFIRMED') continue;
    for (const seat of ids) {
      assert.equal(owners.get(seat), id, `seat ${seat} of ${id}`);
      assert.equal(sold.has(seat), status === 'CONFIRMED', `seat ${seat} of ${id}, which is ${status}`);
    }
    owned += ids.length;
  }
  assert.equal(owned, owners.size, 'seats are held by nobody who was told so');
  console.log(`${told.size} reservations reconciled after ${rounds} kills: ${JSON.stringify({ ...crowd.counts, ...counts })}`);
  assert.ok(crowd.counts.held > rounds && crowd.counts.changed > rounds, 'too little has happened');
  assert.ok(crowd.counts.broken > 0, 'no kill met a request under way');
  assert.equal(await florin.stop(), 0);
});
