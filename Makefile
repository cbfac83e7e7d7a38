# Florin. `make` lists the commands; `make run` and `make test` do all of their own set-up.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
FUZZ_SECONDS ?= 15
TSAN_TESTS = runtime store leases mariadb telemetry limits broker gateway webhooks http grpc grpc_client ledger payments settlement seats redis
CTEST := ctest -j2 --timeout 600 --output-on-failure --no-tests=error
SOURCES = $(shell git ls-files 'src/*.h' 'src/*.cc' 'tests/*.h' 'tests/*.cc' 'bench/*.cc' 'fuzz/*.cc')

.PHONY: help setup test-servers build run test unit e2e crash test-services build-asan build-tsan test-asan test-tsan fuzz lint format \
  format-check tidy bench generate docker-build docker-run docker-shell ci all dev prod run-local \
  perf-test clean dev-deps grpcui env-template check-env status

help: ## Show this list
	@echo "Florin: a payment platform that starts with one command"
	@echo
	@echo "Available commands:"
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | \
	  while IFS=$$'\t' read -r name text; do printf '  %-15s %s\n' "$$name" "$$text"; done

setup: ## Install what is missing from Debian, and fetch Swagger UI
	@scripts/setup.sh
	@scripts/fetch_swagger_ui.sh

test-servers: ## Install the servers that tests start
	@scripts/setup.sh tests

build: setup ## Build bin/florin, bin/payment-sim-api and bin/reservation-worker
	@cmake --preset release >/dev/null
	@cmake --build build/release --target florin
	@mkdir -p bin
	@for name in florin payment-sim-api reservation-worker; do ln -f build/release/bin/florin bin/$$name; done
	@echo "✓ Build complete: bin/payment-sim-api"

run: build ## Build what has changed and start everything
	@echo "gRPC     localhost:$${GRPC_PORT:-8030}   payment.v1.PaymentService, with reflection"
	@echo "HTTP     http://localhost:$${HTTP_PORT:-8080}   merchant payments, admin API, payment pages; /swagger-ui.html shows them"
	@echo "health   http://localhost:$${HEALTH_PORT:-8031}/health, /ready, /metrics"
	@echo "try      bin/florin pay"
	@exec bin/florin serve

run-local: build ## The same, warning when WEBHOOK_SECRET is unset
	@if [ -z "$${WEBHOOK_SECRET:-}" ]; then echo "WEBHOOK_SECRET is unset: using the development default"; fi
	@exec bin/payment-sim-api

unit:
	@cmake --preset release >/dev/null
	@cmake --build build/release
	@cd build/release && $(CTEST)

e2e: build
	@cd tests/e2e && npm ci --silent --no-fund --no-audit && node --test --test-concurrency=1 *.test.mjs ../docs/*.test.mjs
	@/usr/bin/python3 tests/lint/deploy.py # again: now there is a binary whose libraries the image needs

crash: build
	@cd tests/e2e && npm ci --silent --no-fund --no-audit && node --test ../crash/*.test.mjs

test: setup test-servers lint unit e2e crash ## All tests that need only Debian and npm

test-services: build ## Tests with clients and servers nobody here wrote, from Debian, Go, PyPI and Maven
	@scripts/setup.sh services
	@tests/services/run.sh

# With the fuzzers' instrumentation, so that one build serves both.
build-asan: setup
	@cmake --preset asan >/dev/null
	@cmake --build build/asan

build-tsan: setup
	@cmake --preset tsan >/dev/null
	@cmake --build build/tsan --target $(TSAN_TESTS:=_test)

test-asan: build-asan test-servers ## Unit and component tests under ASan and UBSan
	@cd build/asan && $(CTEST)

test-tsan: build-tsan test-servers ## What crosses threads, under TSan
	@cd build/tsan && TSAN_OPTIONS="suppressions=$(CURDIR)/tests/tsan.supp halt_on_error=1" \
	  $(CTEST) -R "^($$(echo $(TSAN_TESTS) | tr ' ' '|'))$$"

fuzz: build-asan ## Each fuzzer for FUZZ_SECONDS
	@for fuzzer in build/asan/bin/*_fuzz; do name=$$(basename $$fuzzer); mkdir -p build/asan/corpus/$$name; \
	  echo "fuzzing $$name for $(FUZZ_SECONDS) s"; \
	  $$fuzzer -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 -max_len=65536 -artifact_prefix=build/asan/ \
	    build/asan/corpus/$$name fuzz/$$name 2>&1 | tail -3; done

lint: ## House rules: layers, lengths, documents, deployment
	@python3 tests/lint/lint.py
	@/usr/bin/python3 tests/lint/deploy.py

format: ## Format the sources
	@clang-format-19 -i $(SOURCES)

format-check:
	@clang-format-19 --dry-run --Werror $(SOURCES)

# TIDY_SINCE=COMMIT: only those that have changed since, themselves or their headers.
tidy: setup ## clang-tidy over the sources
	@cmake --preset release >/dev/null
	@cmake --build build/release --target florin_proto_payment florin_proto_grpc florin_proto_reservation
	@git ls-files 'src/*.cc' | grep -v -e _test.cc -e _fuzz.cc | \
	  { if [ -n "$(TIDY_SINCE)" ]; then grep -Fxf <(git diff --name-only "$(TIDY_SINCE)" -- src | sed 's/\.h$$/.cc/') || true; else cat; fi; } | \
	  xargs -r -P $$(nproc) -n 4 clang-tidy-19 -p build/release --quiet 2>/dev/null

bench: build ## The benchmarks behind docs/benchmarks.md
	@bench/creates_h2load.sh
	@bench/life.sh

perf-test: build ## A short load test against a server of its own
	@SECONDS_LONG=10 bench/creates_h2load.sh

generate: setup ## Generate code from proto/
	@cmake --preset release >/dev/null
	@cmake --build build/release --target florin_proto_common florin_proto_payment florin_proto_grpc florin_proto_reservation

docker-build: ## Build the image payment-sim-api:latest
	@command -v docker >/dev/null || { echo "docker is not installed here"; exit 1; }
	docker build -t payment-sim-api:latest .

docker-run: docker-build ## Run the image
	docker run --rm -p 8030:8030 -p 8031:8031 -p 8080:8080 -e ENVIRONMENT=development -e WEBHOOK_SECRET=docker-dev-secret payment-sim-api:latest

docker-shell: docker-build ## A shell in the image
	docker run --rm -it --entrypoint /bin/sh payment-sim-api:latest

ci: ## What CI runs
	@bash .ci/run

all: generate ci ## generate and ci
dev: clean generate build test ## clean, generate, build and test
prod: clean generate ci ## clean, generate and ci

clean: ## Remove what was built
	@rm -rf build bin

dev-deps: setup ## Install grpcurl, grpcui and ghz into build/tools (needs Go)
	@tests/services/tools.sh grpcurl grpcui ghz

grpcui: ## Open a web UI for the running server
	@tests/services/tools.sh grpcui
	@build/tools/grpcui -plaintext localhost:$${GRPC_PORT:-8030}

env-template: ## Copy .env.template to .env.local
	@cp -n .env.template .env.local && echo ".env.local is there; edit it"

check-env: ## Show the settings and where they come from
	@if [ -x bin/florin ]; then bin/florin config; else echo "AWS_PROFILE=$${AWS_PROFILE:-unset} AWS_REGION=$${AWS_REGION:-unset} WEBHOOK_SECRET=$${WEBHOOK_SECRET:+set}"; fi

status: ## Show what is built and what runs
	@echo "Payment Sim API Status"
	@if [ -x bin/payment-sim-api ]; then echo "✓ bin/payment-sim-api"; else echo "✗ bin/payment-sim-api (make build)"; fi
	@if command -v docker >/dev/null && docker image inspect payment-sim-api:latest >/dev/null 2>&1; then echo "✓ image payment-sim-api:latest"; else echo "✗ image payment-sim-api:latest (make docker-build)"; fi
	@for port in $${GRPC_PORT:-8030} $${HEALTH_PORT:-8031}; do if (exec 3<>/dev/tcp/127.0.0.1/$$port) 2>/dev/null; then echo "✓ port $$port answers"; else echo "✗ port $$port is quiet"; fi; done
	@echo "Quick start: make run, then bin/florin pay"
