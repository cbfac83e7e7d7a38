import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Florin, until } from './florin.mjs';
import { browserMissing, withPage } from './page.mjs';

let florin;
before(async () => { florin = await Florin.start([], { APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0' }); });
after(async () => { assert.equal(await florin.stop(), 0); });

test('the description is there in two formats, compressed and cached', async () => {
  const { openapi, paths } = await florin.json('/openapi.json');
  assert.equal(openapi, '3.1.0');
  for (const path of ['/payments/authorize', '/payments/{paymentId}', '/circuit-breaker/status']) assert.ok(paths[path], path);
  const { body, headers } = await florin.get('http', '/openapi.yaml');
  assert.match(body, /^openapi: 3\.1\.0/);
  assert.equal((await florin.get('http', '/openapi.yaml', { headers: { 'if-none-match': headers.etag } })).status, 304);
  const packed = await fetch(`http://127.0.0.1:${florin.ports.http}/openapi.yaml`);
  assert.equal(packed.headers.get('content-encoding'), 'gzip');
  assert.equal(await packed.text(), body);
  assert.equal((await florin.get('http', '/openapi.yaml', { method: 'HEAD' })).headers['content-length'], String(Buffer.byteLength(body)));
});

test('Swagger UI shows every operation and tries one out', { skip: browserMissing }, async (t) => {
  const url = `http://127.0.0.1:${florin.ports.http}/swagger-ui.html`;
  if ((await florin.get('http', '/swagger-ui.html')).body.includes('not bundled')) { t.skip('npm did not give Swagger UI to this build'); return; }
  const operations = Object.values((await florin.json('/openapi.json')).paths).flatMap((path) => Object.values(path)).map(({ operationId }) => operationId).filter(Boolean);
  await withPage(async (page) => {
    const complaints = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => { if (message.type() === 'error') complaints.push(message.text()); });
    page.on('request', (request) => { if (!request.url().startsWith(new URL(url).origin) && !request.url().startsWith('data:')) complaints.push(`asks ${request.url()}`); });
    await page.goto(url);
    await until('every operation', async () => (await page.locator('.opblock').count()) === operations.length);
    await page.getByRole('heading', { name: /Florin HTTP API/ }).waitFor();
    const authorize = page.locator('[id$="-authorizePayment"]');
    await authorize.locator('.opblock-summary').click();
    await authorize.getByRole('button', { name: 'Try it out' }).click();
    await authorize.getByRole('button', { name: 'Execute' }).click();
    await authorize.locator('.live-responses-table .response-col_status').getByText('200').waitFor();
    await until('the answer', async () => /AUTHORIZED/.test(await authorize.locator('.live-responses-table').textContent()));
    assert.deepEqual(complaints, []);
  });
});
