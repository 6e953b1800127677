# The first target is what `make` alone does.
.PHONY: help setup run test test-packages soak faults lint lint-python lint-rust lint-web format lock bench fuzz clean
.DEFAULT_GOAL := help

BIN := .venv/bin
# cargo puts itself here, and not every shell has been told
export PATH := $(PATH):$(HOME)/.cargo/bin
# container images set this to stay small; but each of tongdai's processes would compile all it imports, at every start
export PYTHONDONTWRITEBYTECODE :=

help:
	@echo "make run    build everything, start the demo company and say what to dial"
	@echo "make setup  only build: .venv with tongdai, the media engine and the pages"
	@echo "make test   all tests: engine, call logic, real phones over real sockets"
	@echo "make soak   100,000 calls that fail or are abandoned (CALLS=…), 10,000 guesses, 10,000 idle connections: nobody may notice"
	@echo "make faults everything that is killed, locked, filled up or set wrong; each of it at 20 random moments, twice"
	@echo "make lint   style, types, layers, for Python, Rust and TypeScript"
	@echo "make format rewrite Python, Rust and TypeScript in the house style"
	@echo "make bench  the benchmarks of bench/"
	@echo "make fuzz   what strangers send, made up for SECONDS=60 (TARGET=message, see tests/fuzz/targets.py)"
	@echo "make lock   write the lock files anew from pyproject.toml (UPGRADE=--upgrade for newer versions)"
	@echo "make clean  remove everything that was built (the demo's data in .demo/ stays)"

setup:
	@scripts/setup.sh

run: setup
	@exec $(BIN)/tongdai demo $(ARGS)

test-packages:
	@scripts/apt.sh "sip-tester: command -v sipp" "baresip: command -v baresip" "liblinphone10: ls /usr/lib/*/liblinphone.so.10" "chromium: command -v chromium" \
		"coturn: command -v turnserver" "kamailio: command -v kamailio" "nginx-light: command -v nginx || ls /usr/sbin/nginx" "nodejs: command -v node" "npm: command -v npm" \
		"sipvicious: command -v svwar" "sipsak: command -v sipsak" \
		"libfaketime: ls /usr/lib/*/faketime/libfaketime.so.1" "systemd: command -v systemd-analyze" \
		"iproute2: command -v ip" "iptables: command -v iptables" "ffmpeg: command -v ffmpeg" "lame: command -v lame"
	@$(MAKE) --no-print-directory tests/interop/browser/build/page.js

# the phone in a page that the tests with a real browser use
tests/interop/browser/build/page.js: $(addprefix tests/interop/browser/,page.js package.json package-lock.json)
	@echo "==> building the page of the browser tests"
	cd tests/interop/browser && npm ci --no-audit --no-fund --ignore-scripts --silent && npm run --silent build

# of the tests that ARGS choose, none may be in one of the two groups
OR_NONE = $(if $(ARGS),|| [ $$? -eq 5 ])

# most tests of the engine wait while sound is played
test: setup test-packages
	RUST_TEST_THREADS=8 cargo test --workspace --locked --quiet
	cd web && npm run --silent test
	$(BIN)/python -m pytest -n 4 --dist worksteal -m "not alone" $(ARGS) $(OR_NONE)
	$(BIN)/python -m pytest -m alone $(ARGS) $(OR_NONE)

CALLS ?= 100000
soak: setup
	TONGDAI_SOAK=$(CALLS) TONGDAI_SOAK_ROUNDS=200 $(BIN)/python -m pytest tests/sim/test_nothing_stays.py tests/interop/test_leaks.py
	TONGDAI_SOAK_NAMES=2000 TONGDAI_SOAK_GUESSES=10000 TONGDAI_SOAK_SOURCES=1000 TONGDAI_SOAK_TEXTS=200 \
		$(BIN)/python -m pytest tests/interop/test_guessing.py
	TONGDAI_SOAK_IDLE=10000 $(BIN)/python -m pytest tests/interop/test_web_threats.py

MOMENTS ?= 20
OUTAGE ?= 600
faults: setup test-packages
	TONGDAI_FAULTS_OUTAGE=$(OUTAGE) $(BIN)/python -m pytest -s tests/faults
	TONGDAI_FAULTS_MOMENTS=$(MOMENTS) $(BIN)/python -m pytest -s tests/faults/test_random_moments.py
	TONGDAI_FAULTS_MOMENTS=$(MOMENTS) TONGDAI_FAULTS_SEED=random $(BIN)/python -m pytest -s tests/faults/test_random_moments.py

lint: setup
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-rust lint-python lint-web

lint-python:
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

lint-rust:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked --quiet -- -D warnings

lint-web:
	cd web && npm run --silent check

format: setup
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	cargo fmt --all
	cd web && npm run --silent format

lock:
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --annotation-style=line --quiet $(UPGRADE) \
		pyproject.toml -o requirements/run.txt
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --annotation-style=line --quiet $(UPGRADE) \
		-c requirements/run.txt --extra dev pyproject.toml -o requirements/dev.txt
	printf '%s\n' "atheris>=3.0,<3.1; python_version < '3.12'" "atheris>=3.1; python_version >= '3.12'" | \
		$(BIN)/uv pip compile --universal --generate-hashes --no-header --annotation-style=line --quiet $(UPGRADE) \
		- -o requirements/fuzz.txt

bench: setup test-packages
	set -e; for bench in bench/*.py; do $(BIN)/python $$bench $(ARGS); done

TARGET ?= message
SECONDS ?= 60
fuzz: setup
	$(BIN)/python -c 'import atheris' 2>/dev/null || $(BIN)/uv pip install --quiet --require-hashes -r requirements/fuzz.txt
	host=$$(rustc -vV | sed -n 's/^host: //p') && cd fuzz && \
		cargo build --release --locked --quiet --manifest-path ../Cargo.toml -p sip-grammar --target $$host && \
		cp ../target/fuzz/$$host/release/libsip_grammar.so ../target/fuzz/
	$(BIN)/python -m tests.fuzz $(TARGET) $(SECONDS)

clean:
	rm -rf .venv build dist target web/node_modules src/tongdai/api/pages src/tongdai/sip/message/*.so src/*.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
