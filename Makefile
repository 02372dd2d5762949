# The first two commands of the README, `make demo` and `make test`, set up all they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Each process that a test starts would compile all sources anew.
unexport PYTHONDONTWRITEBYTECODE
READY := $(VENV)/.ready

.PHONY: demo test test-api test-demo test-fuzz test-gateway test-mqtt test-postgres test-spark test-web bench lint format lock clean

demo: $(READY)
	$(BIN)/shuzhi demo demo-city

test: $(READY)
	$(BIN)/pytest -n auto --maxprocesses 8 --dist loadfile

# Sends made-up requests to every operation of the HTTP API and holds the answers against its description.
test-api: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/api.txt
	$(BIN)/pytest tests/web/api -m api

# Starts the demonstration with all its processes, waits for its case, and looks for what stays behind.
test-demo: $(READY)
	$(BIN)/pytest tests/cli/demo -m demo

# Lets a fuzzer that sees which branches were taken try the HJ 212 codec; FUZZ_SECONDS=600 for longer.
FUZZ_SECONDS ?= 60
test-fuzz: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/fuzz.txt
	mkdir -p .bench/fuzz_hj212
	$(BIN)/python tests/fuzz/run.py -max_total_time=$(FUZZ_SECONDS) -max_len=2048 .bench/fuzz_hj212 tests/fuzz/hj212

# Cuts the power of the gateway a hundred times under load.
test-gateway: $(READY)
	$(BIN)/pytest tests/gather/sensors/test_gateway_kill.py --kills 100

# Holds each function that SQL of packs may call against a second engine, Sail.
test-spark: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pysail==0.7.2 pyspark-client==4.2.0
	$(BIN)/pytest tests/gather/test_lineage_functions.py

# Against a real broker. Installs Debian's mosquitto where there is none.
test-mqtt: $(READY)
	test -x /usr/sbin/mosquitto || (apt-get update -q && apt-get install -y -q --no-install-recommends mosquitto)
	$(BIN)/pytest tests/gather/sensors/test_gateway_push.py -m mqtt

ON_POSTGRES := $(filter-out %_real_data.py, $(wildcard tests/act/test_cases_*.py)) \
  tests/act/test_evaluation_appeals.py tests/app/test_catching_up.py tests/app/test_tries.py tests/audit/test_outbox.py \
  $(addprefix tests/share/, accounts agreements correction delivery duties forms linkage receipts verification \
  test_catalogue_store.py test_organisation.py)
# Runs tests of what the control store holds on a PostgreSQL server of their own. Installs Debian's where there is none.
test-postgres: $(READY)
	ls /usr/lib/postgresql/*/bin/postgres || (apt-get update -q && apt-get install -y -q --no-install-recommends postgresql)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/postgres.txt
	$(BIN)/python -m pytest -p tests.on_postgres -n auto --maxprocesses 4 --dist loadfile -m "not file" --ignore-glob="*_real_data.py" \
	  $(ON_POSTGRES)

# Drives Chromium through the pages; screenshots come to .bench/screenshots. Installs Debian's Chromium where there is none.
test-web: $(READY)
	command -v chromium || (apt-get update -q && apt-get install -y -q --no-install-recommends chromium fonts-noto-cjk)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/browser.txt
	$(BIN)/pytest tests/web/browser -m browser

bench: $(READY)
	$(BIN)/python -m benchmarks

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(READY)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Every package comes with its hash; build tools come first because nothing may be built with others.
$(READY): locks/build.txt locks/all.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r locks/build.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r locks/all.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

# Needs uv; run after changing the dependencies in pyproject.toml.
lock:
	uv pip compile locks/build.in --universal --python-version 3.11 --generate-hashes --no-header -q -o locks/build.txt
	uv pip compile pyproject.toml --extra dev --extra demo --universal --python-version 3.11 --generate-hashes --no-header -q -o locks/all.txt
	for extra in api browser fuzz postgres; do \
	  $(PYTHON) -c "import sys, tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']['optional-dependencies'][sys.argv[1]], sep='\n')" $$extra \
	  | uv pip compile - -c locks/all.txt --universal --python-version 3.11 --generate-hashes --no-header -q -o locks/$$extra.txt || exit 1; \
	done

clean:
	rm -rf $(VENV) .bench demo-city
