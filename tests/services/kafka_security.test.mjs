// Florin's own settings against listeners that demand them: TLS with a private CA, client certificates, SASL with PLAIN
// and SCRAM. What does not fit is told by name, keeps payments going, and shows no secret.
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Florin, run, until } from '../e2e/florin.mjs';
import { Kafka, java } from './kafka.mjs';
import { toolMissing } from './tools.mjs';

const secrets = { password: 'sasl-not-to-be-shown', key: 'key-not-to-be-shown', wrong: 'wrong-not-to-be-shown' };
const noSecret = new RegExp(Object.values(secrets).join('|'));

/** A CA in `file(name)`, and what it has signed: the broker's key and certificate in one file, a client's in two. */
function makeCertificates(file, host) {
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'pipe' });
  const authority = (name) => openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`));
  authority('ca');
  authority('another-ca');
  for (const [name, more] of [['broker', ['-nodes']], ['client', ['-passout', `pass:${secrets.key}`]]]) {
    openssl('req', '-newkey', 'rsa:2048', ...more, '-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.csr`));
    fs.writeFileSync(file('extensions'), `subjectAltName=IP:${host}`);
    openssl('x509', '-req', '-days', '2', '-in', file(`${name}.csr`), '-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('extensions'), '-out', file(`${name}.pem`));
  }
  fs.writeFileSync(file('keystore.pem'), fs.readFileSync(file('broker.key')) + fs.readFileSync(file('broker.pem')));
}

function brokerSettings(kafka) {
  makeCertificates((name) => kafka.file(name), kafka.host);
  const login = 'org.apache.kafka.common.security';
  return {
    'ssl.keystore.type': 'PEM', 'ssl.keystore.location': kafka.file('keystore.pem'), 'ssl.truststore.type': 'PEM', 'ssl.truststore.location': kafka.file('ca.pem'),
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.login.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256',
    'listener.name.login.plain.sasl.jaas.config': `${login}.plain.PlainLoginModule required user_florin="${secrets.password}";`,
    'listener.name.login.scram-sha-256.sasl.jaas.config': `${login}.scram.ScramLoginModule required;`,
  };
}

/** SCRAM's users stand in the cluster and not in a file. */
function addScramUser(kafka, user) {
  const [program, ...args] = java(kafka.folder, 128, 'kafka.admin.ConfigCommand', '--bootstrap-server', kafka.servers, '--alter',
    '--add-config', `SCRAM-SHA-256=[iterations=4096,password=${secrets.password}]`, '--entity-type', 'users', '--entity-name', user);
  return promisify(execFile)(program, args);
}

describe('Kafka behind TLS and SASL', { skip: toolMissing('kafka') }, () => {
  let kafka, ways, florin, tape;
  let orders = 0;

  before(async () => {
    kafka = await Kafka.start({ doors: { MUTUAL: 'SSL', LOGIN: 'SASL_SSL' }, settings: brokerSettings });
    await addScramUser(kafka, 'florin');
    const login = (mechanism) => ({
      KAFKA_BOOTSTRAP_SERVERS: kafka.address('LOGIN'), KAFKA_SECURITY_PROTOCOL: 'sasl_ssl', KAFKA_SSL_CA_LOCATION: kafka.file('ca.pem'),
      KAFKA_SASL_MECHANISM: mechanism, KAFKA_SASL_USERNAME: 'florin', KAFKA_SASL_PASSWORD: secrets.password,
    });
    ways = {
      PLAIN: login('PLAIN'),
      'SCRAM-SHA-256': login('SCRAM-SHA-256'),
      'a client certificate': {
        KAFKA_BOOTSTRAP_SERVERS: kafka.address('MUTUAL'), KAFKA_SECURITY_PROTOCOL: 'ssl', KAFKA_SSL_CA_LOCATION: kafka.file('ca.pem'),
        KAFKA_SSL_CERTIFICATE_LOCATION: kafka.file('client.pem'), KAFKA_SSL_KEY_LOCATION: kafka.file('client.key'), KAFKA_SSL_KEY_PASSWORD: secrets.key,
      },
    };
    florin = await Florin.start(['--log-level', 'warn'], common(ways.PLAIN));
    tape = kafka.topics.follow(['payment.captured']);
  });
  after(async () => {
    if (florin) assert.equal(await florin.stop(), 0, florin.log);
    await kafka?.stop();
  });

  const common = (way) => ({ EVENT_LOG: 'kafka', APP_RATE_LIMIT_AUTHORIZE_CAPACITY: '0', SETTLEMENT_ENABLED: 'false', ...way });
  async function startWith(way) {
    florin.process.kill('SIGTERM');
    await florin.exited;
    assert.doesNotMatch(florin.log, noSecret);
    florin.environment = common(way);
    await florin.run();
  }
  async function pay() {
    const post = async (target, body) => {
      const answer = await florin.get('http', target, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ merchantId: 'shop', idempotencyKey: `${target}-${orders += 1}`, ...body }) });
      assert.equal(answer.status, 200, answer.body);
      return JSON.parse(answer.body);
    };
    const { paymentId } = await post('/payments/authorize', { amount: 1_000, currency: 'KRW' });
    await post(`/payments/capture/${paymentId}`, {});
    return paymentId;
  }
  /** What daily sales say, over all days. */
  async function captures() {
    const { days } = await florin.json('/api/daily-sales?merchantId=shop');
    return days.reduce((sum, day) => sum + day.captures.count, 0);
  }
  /** What the doctor says in the end: it asks a broker that is cold for three seconds only. */
  async function doctorSays(what) {
    let doctor;
    await until('the doctor to say so', async () => what.test((doctor = await run(['doctor'], { env: florin.environment })).out), 120_000)
      .catch((error) => { throw new Error(`${error.message}\n${doctor.out}${doctor.err}`); });
    return doctor;
  }
  /** The event has gone out, and has come back to the group of daily sales. */
  async function arrived(payment) {
    const log = (error) => { throw new Error(`${error.message}\n${florin.log}`); };
    await until('its event', () => tape.messages.some(({ key }) => key === payment)).catch(log);
    const wanted = new Set(tape.messages.map(({ key }) => key)).size;
    await until('daily sales', async () => await captures() >= wanted).catch(log);
  }
  async function readiness() {
    const answer = await florin.get('health', '/ready');
    assert.doesNotMatch(answer.body, noSecret);
    return { status: answer.status, kafka: JSON.parse(answer.body).dependencies.kafka };
  }

  for (const name of ['PLAIN', 'SCRAM-SHA-256', 'a client certificate']) {
    test(`with ${name}, events go out and are read`, async () => {
      await startWith(ways[name]);
      await arrived(await pay());
      await until('Kafka to be up', async () => (await readiness()).kafka.status === 'up');
      await doctorSays(/Kafka at \S+ answers and has the topics of all events/);
      for (const args of [['config'], ['config', '--json'], ['doctor']]) {
        const { out, err } = await run(args, { env: florin.environment });
        assert.doesNotMatch(out + err, noSecret, args.join(' '));
      }
    });
  }

  const mistakes = {
    'a wrong password of PLAIN': ['PLAIN', () => ({ KAFKA_SASL_PASSWORD: secrets.wrong }), /Authentication failed/i],
    'a wrong password of SCRAM': ['SCRAM-SHA-256', () => ({ KAFKA_SASL_PASSWORD: secrets.wrong }), /Authentication failed/i],
    'a CA that did not sign the broker': ['PLAIN', () => ({ KAFKA_SSL_CA_LOCATION: kafka.file('another-ca.pem') }), /certificate/i],
    'no certificate where one is demanded': ['a client certificate', () => ({ KAFKA_SSL_CERTIFICATE_LOCATION: '', KAFKA_SSL_KEY_LOCATION: '', KAFKA_SSL_KEY_PASSWORD: '' }), /certificate|SSL|Disconnected/i],
  };
  for (const [name, [way, change, reason]] of Object.entries(mistakes)) {
    test(`${name} is told, and events wait`, async () => {
      const wrong = { ...ways[way], ...change() };
      await startWith(wrong);
      const payment = await pay();
      const { status, kafka: told } = await until('the reason', async () => { const now = await readiness(); return reason.test(now.kafka.reason ?? '') && now; })
        .catch(async (error) => { throw new Error(`${error.message}: ${JSON.stringify(await readiness())}\n${florin.log}`); });
      assert.deepEqual([status, told.status, told.required], [200, 'down', false], 'payments go on');
      await until('the log to say so', () => reason.test(florin.log));
      const doctor = await doctorSays(reason);
      assert.doesNotMatch(doctor.out + doctor.err, noSecret);
      assert.ok(!tape.messages.some(({ key }) => key === payment));
      await startWith(ways[way]);
      await arrived(payment);
    });
  }

  test('a key whose password is wrong is refused at the start', async () => {
    const env = { ...common(ways['a client certificate']), KAFKA_SSL_KEY_PASSWORD: secrets.wrong };
    const { code, out, err } = await run(['serve', '--grpc-port', '0', '--http-port', '0', '--health-port', '0', '--data-dir', kafka.file('refused')], { env });
    assert.notEqual(code, 0);
    assert.match(out + err, /ssl\.key|private key|KAFKA_SSL_KEY/i);
    assert.doesNotMatch(out + err, noSecret);
  });
});
