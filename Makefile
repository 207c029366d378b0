# Everything a fresh machine needs beyond Rust, Python 3.11 with pip, make and gcc is installed into .venv.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test browser plugins plugins-under-xdist check fmt docs reference pictures compat matrix fuzz bench bench-full bench-watching simulate \
	soak flat clean

# Set up, then run the example suite without and with workers.
demo: $(READY)
	$(BIN)/python examples/demo.py

test: $(READY) plugins
	cargo test --release --locked -p fastest-coordinator -p fastest-report
	$(BIN)/python -m pytest -n 0 tests

# The tests of the report in a browser, which is installed where that can be done; `make test` runs them too, if there is one.
browser: $(READY) plugins
	sh tests/report/chromium.sh
	$(BIN)/python -m pytest -n 0 tests/report/test_browser.py

# What the tests of other people's plugins need, into .venv/plugins.
plugins: $(READY)
	$(BIN)/python tests/plugins/install.py

# The same tests, with pytest-xdist in the place of Fastest; the summary says what differs there.
plugins-under-xdist: $(READY) plugins
	$(BIN)/python -m pytest -n 0 --under-xdist tests/plugins

check: $(READY)
	cargo fmt --all --check
	cargo clippy --release --locked --all-targets -- -D warnings
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m mypy.stubtest pytest_fastest._core --ignore-disjoint-bases

fmt: $(READY)
	cargo fmt --all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# The site, into .cache/site. Whatever Sphinx warns of is an error: broken links and anchors, pages that nothing leads to.
docs: .cache/docs/.ready reference
	.cache/docs/bin/sphinx-build -W --keep-going -q -j auto -b html -d .cache/docs/doctrees docs .cache/site
	@echo "the site: .cache/site/index.html"

# docs/reference.md, from the code.
reference: $(READY)
	$(BIN)/python docs/tools/reference.py

# docs/report.png, and a screen with progress for the pages; needs what `make browser` installs.
pictures: $(READY) plugins
	$(BIN)/python docs/tools/pictures.py

# What builds the site has an environment of its own: tests need none of it.
.cache/docs/.ready: docs/requirements.txt
	test -x .cache/docs/bin/python || $(PYTHON) -m venv .cache/docs
	.cache/docs/bin/python -m pip install --quiet --disable-pip-version-check -r docs/requirements.txt
	touch $@

# Real suites from the package index, compared test by test with plain pytest.
compat: $(READY)
	$(BIN)/python tests/compat/run.py

# A part of the tests with older versions of pytest.
matrix: $(READY) plugins
	$(BIN)/python tests/matrix.py

# What other processes may send, each target for FUZZ_SECONDS (60); needs a C++ compiler.
fuzz:
	rust/fuzz/run

# Side by side with plain pytest and pytest-xdist.
bench: $(READY)
	$(BIN)/python benchmarks/run.py

# All cases, start methods and runners; about an hour. The chart is for docs/benchmarks.md.
bench-full: $(READY)
	$(BIN)/python benchmarks/run.py --full --markdown --save .cache/bench/results.json
	.cache/bench/bin/python benchmarks/chart.py .cache/bench/results.json docs/benchmarks.svg

# What it costs to watch a run.
bench-watching: $(READY)
	$(BIN)/python benchmarks/watching.py

# The scheduler alone, with synthetic suites.
simulate:
	cargo run --release --locked -p fastest-coordinator --example simulate

# Random suites that crash, hang and are killed, and whether what is reported is what their tests wrote down.
MINUTES ?= 10
SIZE ?= 300
WORKERS ?= 3
soak: $(READY)
	PYTHONPATH=tests $(BIN)/python -m soak --minutes $(MINUTES) --size $(SIZE) --workers $(WORKERS) \
		$(if $(SEED),--seed $(SEED)) $(if $(RUNS),--runs $(RUNS))

# What a controller takes while many tests run, beside plain pytest.
TESTS ?= 100000
flat: $(READY)
	PYTHONPATH=tests $(BIN)/python -m soak.flat --tests $(TESTS)

# The native module is built again when a file of its own changes.
RUST := Cargo.toml Cargo.lock $(shell find rust/coordinator rust/report rust/python -name '*.rs' -o -name Cargo.toml) \
	$(shell find rust/report/page -type f)

$(READY): requirements-dev.txt pyproject.toml $(RUST)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	$(BIN)/maturin develop --release --quiet
	touch $@

clean:
	rm -rf $(VENV) .cache target
