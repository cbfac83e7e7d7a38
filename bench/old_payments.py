#!/usr/bin/env python3
"""Fills a stopped server's database with payments of a month ago, decided and delivered, for pruning.sh."""
import os
import random
import sqlite3
import sys
import time

BATCH = 20_000
BUCKET = 4_096
A_MONTH_S = 30 * 24 * 3_600


def uuid7(unix_ms: int) -> bytes:
    random_bits = bytearray(os.urandom(10))
    random_bits[0] = 0x70 | random_bits[0] & 0x0F
    random_bits[2] = 0x80 | random_bits[2] & 0x3F
    return unix_ms.to_bytes(6, "big") + bytes(random_bits)


def main() -> None:
    file, count = sys.argv[1], int(sys.argv[2])
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("PRAGMA synchronous=OFF")
    random.seed(1)
    start_us = int((time.time() - A_MONTH_S) * 1e6)
    for first in range(0, count, BATCH):
        intents, deliveries, events = [], [], []
        for number in range(first, min(first + BATCH, count)):
            at = start_us + number * 100  # 10,000 a second
            intent, delivery = uuid7(at // 1_000), uuid7(at // 1_000 + 1_000)
            user, reservation, trace = f"user-{random.randrange(100_000)}", f"rsv-{number:09}", os.urandom(16).hex()
            url = "http://127.0.0.1:9000/webhook"
            intents.append((intent, reservation, user, 50_000, "KRW", 1, 1, 3, 3, at, at + 1_000_000, at + 1_000_000,
                            at + 900_000_000, None, 0, url, b"", trace, number // BUCKET))
            deliveries.append((delivery, intent, url, url[:21], reservation, 3, 50_000, "KRW", 0, 1, 1, at + 1_000_000,
                               at + 1_000_000, trace, at + 1_010_000, 200, 3, 0))
            events.append((os.urandom(16), "payment", "pay-" + intent.hex(), "payment.completed", "{" + "x" * 700 + "}",
                           at + 1_000_000))
        database.execute("BEGIN")
        database.executemany(f"INSERT INTO gateway_intent VALUES ({','.join('?' * 19)})", sorted(intents))
        database.executemany(f"INSERT INTO webhook_delivery VALUES ({','.join('?' * 18)})", sorted(deliveries))
        database.executemany("INSERT INTO outbox (event_id, aggregate_type, aggregate_id, event_type, payload, created_at)"
                             " VALUES (?,?,?,?,?,?)", events)
        database.execute("COMMIT")
    # Consumers have read them; else they may not go.
    database.execute("INSERT OR REPLACE INTO consumer_offset SELECT 'daily-sales', max(seq) FROM outbox")


main()
