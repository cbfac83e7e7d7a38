// An event bus that speaks EventBridge's protocol and has the faults a test wants, and a source of credentials.
import http from 'node:http';
import { once } from 'node:events';
import { serve } from './reservations.mjs';

const amzTime = (text) => Date.parse(text.replace(/(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z/, '$1-$2-$3T$4:$5:$6Z'));

/**
 * `rules.refuse(entry, detail)` gives the error code of an entry; `rules.call({ headers, number })` the fault of a whole call:
 * `{ status, code, headers }`, or 'silence': it never answers.
 */
export async function bus(rules = {}) {
  const taken = new Map(); // notification_id -> how often
  const details = [];
  let calls = 0;
  const server = await serve((request, response, body) => {
    const fault = rules.call?.({ headers: request.headers, number: ++calls, signedAt: amzTime(request.headers['x-amz-date']) });
    if (fault === 'silence') return;
    if (fault) {
      response.writeHead(fault.status, { 'Content-Type': 'application/x-amz-json-1.1', ...fault.headers }).end(JSON.stringify({ __type: fault.code, message: 'on purpose' }));
      return;
    }
    const Entries = JSON.parse(body).Entries.map((entry) => {
      const detail = JSON.parse(entry.Detail);
      const ErrorCode = rules.refuse?.(entry, detail);
      if (ErrorCode) return { ErrorCode, ErrorMessage: 'on purpose' };
      if (!taken.has(detail.notification_id)) details.push(detail);
      taken.set(detail.notification_id, (taken.get(detail.notification_id) ?? 0) + 1);
      return { EventId: detail.notification_id };
    });
    response.writeHead(200, { 'Content-Type': 'application/x-amz-json-1.1' }).end(JSON.stringify({ FailedEntryCount: Entries.filter(({ ErrorCode }) => ErrorCode).length, Entries }));
  });
  return { ...server, rules, taken, details, calls: () => calls };
}

/** What a container gets its credentials from; `expiresInMs` says how long the next ones are good for. */
export async function credentialServer({ expiresInMs }) {
  const issued = []; // { token, until }
  const server = http.createServer((request, response) => {
    const until = Date.now() + expiresInMs;
    issued.push({ token: `token-${issued.length + 1}`, until });
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify({
      AccessKeyId: 'AKIDEXAMPLE', SecretAccessKey: 'secret', Token: issued.at(-1).token, Expiration: new Date(until).toISOString().replace(/\.\d+Z$/, 'Z'),
    }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}/credentials`, issued, close: () => { server.closeAllConnections(); server.close(); } };
}
