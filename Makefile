# Two commands for people: `make demo` and `make test`. Each does all its own set-up.
# demo: PORT=8888 (JupyterLab's port), BROWSER=0 (only print the address), LIVE=1 (OpenRouter).
# test: PYTHONS="3.10 3.13" (versions to test; default: those two if found, else python3).

PORT ?= 8888
BROWSER ?= 1
LIVE ?= 0

.PHONY: demo test test-servers bench lint format frontend clean

demo:
	@.ci/environment demo .venv "lab,sandbox"
	@exec .venv/bin/or-notebook demo --port $(PORT) \
	  $(if $(filter 0,$(BROWSER)),--no-browser) $(if $(filter 1,$(LIVE)),--live)

test:
	@.ci/test

# Real servers that we didn't write, on this machine: LiteLLM's proxy and llama.cpp. Takes a while.
test-servers:
	@.ci/test-servers

# Figures, never tests: how long loading the extension takes.
bench:
	@.ci/environment dev .venv dev
	@.venv/bin/python -m tests.benchmarks.load_extension

lint:
	@.ci/environment dev .venv dev
	.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/mypy

format:
	@.ci/environment dev .venv dev
	.venv/bin/ruff check --fix . ; .venv/bin/ruff format .

frontend:
	cd or_notebook/frontend && npm ci --no-audit --no-fund && npm run check && npm test && npm run build

clean:
	rm -rf .venv .venvs .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis
