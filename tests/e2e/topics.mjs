// A look into the topics of a Kafka broker: make them, write into them, follow them.
import { Admin, Consumer, Producer } from '@platformatic/kafka';
import { until } from './florin.mjs';

const utf8 = (bytes) => (bytes === undefined || bytes === null ? null : bytes.toString('utf8'));
const bytes = (text) => (text === undefined || text === null ? undefined : Buffer.from(text));

class Reader extends Consumer {
  constructor(options) {
    super({ ...options, groupId: 'tests', maxWaitTime: 100, autocommit: false });
  }
}

export class Topics {
  constructor(server) {
    this.server = server; // host:port
    this.tapes = new Set();
  }

  // Without retries: those of this client send again what has arrived.
  client() {
    return { clientId: 'tests', bootstrapBrokers: [this.server], retries: 0, timeout: 60_000, connectTimeout: 30_000 };
  }

  async as(Client, work) {
    const client = new Client(this.client());
    try {
      return await work(client);
    } finally {
      await client.close();
    }
  }

  /** For what may be asked twice: until there is an answer. A broker that was away may not lead anything yet. */
  async ask(Client, work) {
    let failed;
    const { answer } = await until('the broker to answer', () => this.as(Client, work).then((answer) => ({ answer }), (error) => { failed = error; }))
      .catch((error) => { throw new Error(`${error.message}: ${failed.message}`); });
    return answer;
  }

  /** Returns when the broker leads every partition: a client that comes earlier would have to try again. */
  async create(topics, { partitions = 3, configs = [] } = {}) {
    await this.as(Admin, (admin) => admin.createTopics({ topics, partitions, replicas: 1, configs }));
    await until(`leaders of ${topics}`, () => this.as(Reader, (reader) => reader.listOffsets({ topics })).then(() => true, () => false));
  }

  remove(topics) {
    return this.as(Admin, (admin) => admin.deleteTopics({ topics }));
  }

  names() {
    return this.ask(Admin, (admin) => admin.listTopics());
  }

  /** How many messages all of `topics` hold. */
  count(topics) {
    return this.ask(Reader, async (reader) => {
      const ends = await reader.listOffsets({ topics });
      return [...ends.values()].flat().reduce((sum, end) => sum + Number(end), 0);
    });
  }

  /** Offsets a consumer group has committed: { topic: [offset of partition 0, …] }, null where there is none. */
  async committed(group, topics) {
    const found = await this.ask(Admin, (admin) => admin.listConsumerGroupOffsets({ groups: [group] }));
    const byTopic = Object.fromEntries((found[0]?.topics ?? []).map(({ name, partitions }) => [name, partitions]));
    return Object.fromEntries(topics.map((topic) => [topic, (byTopic[topic] ?? []).map(({ committedOffset }) => Number(committedOffset))]));
  }

  /** Sends messages as they are, poison included: { topic, key, value, headers, partition }, texts or buffers. */
  produce(messages) {
    return this.as(Producer, (producer) => producer.send({
      acks: -1,
      messages: messages.map(({ key, value, headers = {}, ...rest }) => ({
        ...rest, key: bytes(key), value: bytes(value), headers: new Map(Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)])),
      })),
    }));
  }

  /** Follows `topics` from their beginning until the broker stops. */
  follow(topics) {
    const tape = new Tape(this, topics);
    this.tapes.add(tape);
    return tape;
  }

  /** The first `count` messages of `topic`, in the order of their partitions. */
  async read(topic, count, ms = 60_000) {
    const tape = this.follow([topic]);
    try {
      return await tape.first(count, ms);
    } finally {
      await tape.close();
    }
  }

  async answers() {
    const admin = new Admin(this.client());
    return admin.listTopics().then(() => true, () => false).finally(() => admin.close());
  }

  async close() {
    await Promise.all([...this.tapes].map((tape) => tape.close()));
  }
}

/** Every message of some topics, in memory: { topic, partition, offset, key, value, bytes, headers, timestamp, at }. It belongs to no group, and goes on after the broker was gone. */
class Tape {
  constructor(owner, topics) {
    this.messages = [];
    this.positions = new Map();
    this.open = true;
    this.failed = null;
    this.consumer = new Reader(owner.client());
    this.done = this.follow(topics);
  }

  async follow(topics) {
    while (this.open) {
      try {
        const metadata = await this.consumer.metadata({ topics, forceUpdate: this.failed !== null });
        await this.fetch(topics, metadata);
        this.failed = null;
      } catch (error) {
        // A topic that is not made yet, a broker that is away: whoever waits for messages is told in the end.
        this.failed = error;
        await new Promise((next) => setTimeout(next, 50));
      }
    }
    await this.consumer.close(true);
  }

  async fetch(topics, metadata) {
    const wanted = topics.map((name) => {
      const { id, partitionsCount } = metadata.topics.get(name);
      return { name, topicId: id, partitions: Array.from({ length: partitionsCount }, (_, partition) => ({
        partition, currentLeaderEpoch: -1, lastFetchedEpoch: -1, partitionMaxBytes: 4 << 20, fetchOffset: this.positions.get(`${name}/${partition}`) ?? 0n })) };
    });
    const names = new Map(wanted.map(({ name, topicId }) => [topicId, name]));
    const answer = await this.consumer.fetch({ node: 1, topics: wanted.map(({ topicId, partitions }) => ({ topicId, partitions })) });
    for (const { topicId, partitions } of answer.responses) for (const part of partitions) this.keep(names.get(topicId), part);
  }

  keep(topic, { partitionIndex: partition, records: batches = [] }) {
    const at = `${topic}/${partition}`;
    for (const batch of batches) {
      for (const record of batch.records) {
        const offset = batch.firstOffset + BigInt(record.offsetDelta);
        if (offset < (this.positions.get(at) ?? 0n)) continue; // a batch is given whole
        this.messages.push({
          topic, partition, offset: Number(offset), key: utf8(record.key), value: utf8(record.value), bytes: record.value ?? null, at: Date.now(),
          timestamp: Number(batch.firstTimestamp + BigInt(record.timestampDelta)),
          headers: Object.fromEntries(record.headers.map(([name, value]) => [utf8(name), utf8(value)])),
        });
      }
      this.positions.set(at, batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n);
    }
  }

  async first(count, ms = 60_000) {
    await until(`${count} messages`, () => this.messages.length >= count, ms)
      .catch((error) => { throw new Error(`${error.message}: ${this.messages.length} came. ${this.failed?.message ?? ''}`); });
    return this.messages.slice(0, count);
  }

  async close() {
    this.open = false;
    await this.done;
  }
}
