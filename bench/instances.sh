#!/usr/bin/env bash
# Two API instances and two workers over one MariaDB under a mixed load of merchants, one of each killed every 20 s.
# Everything is held to every answer afterwards: see tests/services/instances.test.mjs, which this runs for longer.
# MINUTES: how long.
set -euo pipefail
cd "$(dirname "$0")/.."
(cd tests/e2e && npm ci --silent --no-fund --no-audit)
INSTANCES_SECONDS=$((${MINUTES:-10} * 60)) KILL_EVERY_SECONDS=20 \
  node --test --test-reporter=spec tests/services/instances.test.mjs
