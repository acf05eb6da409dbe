# Everything a person does here, by name: `make help` lists it.
# Each recipe is one line of its own tool; only the environment needs a script (deploy/environment.sh).

.DEFAULT_GOAL := help
PORT ?= 8000
python := .venv/bin/python
# A process for each core and one for those that wait, and a file of tests stays in one; each computes with one thread.
processes := $(shell expr $$(nproc) + 1)
pytest := OMP_NUM_THREADS=1 $(python) -m pytest -p tests.servers --numprocesses $(processes) --dist loadfile --no-loadscope-reorder

.PHONY: help demo serve test test-servers fuzz chaos lint format types contracts schema reference guide doctor ci clean run-env test-env

help: ## List what make can do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: run-env ## Set up, register the shipped checkpoints, serve on PORT=8000, show the first pictures and tell a story
	@exec $(python) manage.py demo --port $(PORT)

serve: run-env ## Serve the atlas as it is, on PORT=8000
	@exec $(python) manage.py serve --port $(PORT)

test: test-env ## Set up and run the tests on the embedded database; what is missing here is skipped by name
	@$(pytest) $(ARGS)

test-servers: test-env ## Run the database tests on a temporary PostgreSQL and Redis
	@ATLAS_TEST_DATABASE=postgres $(pytest) tests/atlas tests/api tests/workers $(ARGS)

fuzz: test-env ## Ask the API thousands of made-up questions, on a service of its own (minutes; ARGS go to schemathesis)
	@OMP_NUM_THREADS=1 $(python) -m tests.fuzz $(ARGS)

chaos: test-env ## Kill workers, and who asks, by the hundred (ARGS="--database postgres --jobs 2000 --kills 40 --seed 1")
	@$(python) -m tests.chaos $(ARGS)

lint: test-env ## Check style and format
	@$(python) -m ruff check
	@$(python) -m ruff format --check

format: test-env ## Put style and format right where a machine can
	@$(python) -m ruff check --fix
	@$(python) -m ruff format

types: test-env ## Check the types of the science, the services and the workers
	@$(python) -m mypy

contracts: test-env ## Check who may import whom
	@.venv/bin/lint-imports

reference: run-env ## Write the reference pages that are said once, in code
	@$(python) manage.py write_reference

schema: run-env ## Write docs/openapi.yaml anew; the difference is what changes for callers
	@$(python) manage.py spectacular --validate --fail-on-warn --file docs/openapi.yaml

guide: test-env ## Make the pictures of docs/guide anew (minutes; ARGS="http://127.0.0.1:8000 --password …" takes a demo that runs)
	@$(python) docs/guide/pictures.py $(ARGS)

doctor: run-env ## Check this installation: OK, or the fix
	@$(python) manage.py doctor

ci: ## Everything a machine checks, as root on Debian: installs PostgreSQL, Redis and Chromium
	@.ci/run

clean: ## Remove caches and .venv; keeps var/, where the records live
	@rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

run-env:
	@deploy/environment.sh requirements.txt

test-env:
	@deploy/environment.sh tests/requirements.txt
