// A client of the reservation API.
import assert from 'node:assert/strict';
import { until } from './florin.mjs';

export class Seats {
  constructor(florin, token) {
    this.florin = florin;
    this.headers = { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) };
  }

  async ask(method, target, body, headers = {}) {
    const answer = await this.florin.get('http', target, { method, headers: { ...this.headers, ...headers }, body: body && JSON.stringify(body) });
    return { status: answer.status, json: JSON.parse(answer.body) };
  }

  async expect(status, ...request) {
    const answer = await this.ask(...request);
    assert.equal(answer.status, status, JSON.stringify(answer.json));
    return answer.json;
  }

  makeEvent(id, seats) { return this.expect(201, 'POST', '/api/events', { id, seats }); }
  tryHold(fields, headers) { return this.ask('POST', '/api/reservations', { user_id: 'user-1', total_price: 50_000, ...fields }, headers); }
  async hold(fields) {
    const { status, json } = await this.tryHold(fields);
    assert.equal(status, 201, JSON.stringify(json));
    return json;
  }
  get(id) { return this.expect(200, 'GET', `/api/reservations/${id}`); }

  async counts(event) {
    const { available, reserved, sold } = await this.expect(200, 'GET', `/api/events/${event}`);
    return { available, reserved, sold };
  }

  /** The seats of one status with the reservations they belong to. */
  async seatsOf(event, status) {
    const owners = new Map();
    for (let cursor = ''; cursor !== null;) {
      const page = await this.expect(200, 'GET', `/api/events/${event}/seats?status=${status}&limit=1000&cursor=${encodeURIComponent(cursor)}`);
      for (const { seat_id: seat, reservation_id: reservation } of page.seats) owners.set(seat, reservation);
      cursor = page.next_cursor;
    }
    return owners;
  }

  becomes(id, status) {
    return until(`reservation ${id} to be ${status}`, async () => {
      const reservation = await this.get(id);
      return reservation.status === status && reservation;
    });
  }
}
