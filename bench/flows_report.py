#!/usr/bin/env python3
"""Prints what `florin bench payments --json` measured and compares the events in a stopped server's database with it.
Ends with 1 when anything was lost, doubled, wrong or failed, or the environment says that PROOF of the ledger is not right."""
import json
import os
import sqlite3
import sys

report = json.load(open(sys.argv[1], encoding="utf-8"))
database = sqlite3.connect(f"file:{sys.argv[2]}?mode=ro", uri=True)
events = dict(database.execute("SELECT event_type, count(*) FROM outbox GROUP BY event_type"))
faults = 0

print(f"{report['completed']} flows, {report['rate']:.0f} a second; generator: {report['generator_cores']:.2f} cores")
print(f"{'milliseconds':<14}{'p50':>9}{'p90':>9}{'p99':>9}{'p99.9':>9}{'max':>9}")
for name in ("authorize", "capture", "refund", "replay", "flow", "lateness"):
    row = [report[name][f"{column}_us"] / 1000 for column in ("p50", "p90", "p99", "p999", "max")]
    print(f"{name:<14}" + "".join(f"{value:>9.2f}" for value in row))
print(f"read back: {report['listed']} in lists, {report['detailed']} one by one; replays: {report['replays']}")

for fault in ("failed", "lost", "duplicated", "wrong"):
    faults += report[fault]
    print(f"{fault} {report[fault]}", end="  ")
print(f"\nthe first of them: {report['first_error']}" if report["first_error"] else "")
for counter in report["counters"]:
    if not counter["agrees"]:
        faults += 1
        print(f"DIFFERS: {counter}")
for event, acknowledged in (("authorized", "authorized"), ("captured", "captured"), ("refunded", "refunded")):
    stored = events.pop(f"payment.{event}", 0)
    agrees = stored == report[acknowledged]
    faults += not agrees
    print(f"{'agrees' if agrees else 'DIFFERS'}: {stored} events payment.{event}, {report[acknowledged]} acknowledged")
for event, count in events.items():
    if not event.startswith("payment.") or event.endswith("-requested"):  # a simulator is asked before it approves
        continue
    faults += 1
    print(f"nobody asked for {count} events {event}")
faults += report["completed"] != report["begun"]
sys.exit(1 if faults or os.environ.get("PROOF") != "right" else 0)
