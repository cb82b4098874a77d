# Nothing but make and Python 3.11 or newer is needed: everything else goes into .venv and .venv-lowest, and is
# installed again only when pyproject.toml or the constraints change.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: help demo up test test-highest test-lowest test-matrix kill-anywhere check format bench clean

ifeq ($(origin PYTHON), undefined)
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	if "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo "$$python"; break; fi; \
	done)
endif
VERSION := import sys; sys.version_info < (3, 11) or print("%d.%d" % sys.version_info[:2])
# Empty when there is no such Python, or when it is too old.
PYTHON_VERSION := $(if $(PYTHON),$(shell "$(PYTHON)" -c '$(VERSION)' 2>/dev/null))

# One environment for everything, and one with the lowest Airflow supported, which wants other versions of everything.
VENV := .venv/bin/python
LOWEST := .venv-lowest/bin/python
# The Python is part of the name, so that another one makes another environment.
RUN_READY := .venv/.ready-to-run-$(PYTHON_VERSION)
DEV_READY := .venv/.ready-to-develop-$(PYTHON_VERSION)
BENCH_READY := .venv/.ready-to-measure-$(PYTHON_VERSION)
LOWEST_READY := .venv-lowest/.ready-$(PYTHON_VERSION)

# Each worker has an Airflow, a sandbox and a PostgreSQL of its own. One test in a debugger: PYTEST='-n 0 --pdb -k ...'
WORKERS := --numprocesses auto --maxprocesses 4

PACKAGE := --editable ".[parquet,openlineage]"

CODE := $(wildcard airflow_provider_sender benchmarks example_dags scripts tests noxfile.py)

help: ## say what can be made
	@echo "make ..."
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  \1\t\2/p' Makefile | expand -t 18
	@echo "Another Python: make PYTHON=python3.12 ...   A part of the tests: make test-highest PYTEST='-k export'"

demo: $(RUN_READY) ## run the example DAGs in a real Airflow against the sandbox, and check what they did
	@$(VENV) scripts/demo.py

up: $(RUN_READY) ## start the sandbox and Airflow and say where they are; Ctrl-C stops both
	@$(VENV) scripts/up.py

test: check test-highest test-lowest ## check, then run all tests with the highest and with the lowest Airflow supported

test-highest: $(DEV_READY) ## run the tests with the highest Airflow
	$(VENV) -m pytest $(WORKERS) $(PYTEST)

test-lowest: $(LOWEST_READY) ## run the tests with the lowest Airflow
	$(LOWEST) -m pytest $(WORKERS) $(PYTEST)

test-matrix: $(DEV_READY) ## run the tests with every supported Airflow on every supported Python
	$(VENV) -m nox

kill-anywhere: $(DEV_READY) ## send campaigns, killed at every step there is, and count mails; a part: KILL='--every 20'
	@$(VENV) -m tests.kill_anywhere.prove $(KILL)

check: $(DEV_READY) ## look for mistakes without running anything: ruff and mypy
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(VENV) -m mypy $(CODE)

format: $(DEV_READY) ## put the code into its usual form
	$(VENV) -m ruff check --fix-only .
	$(VENV) -m ruff format .

bench: $(BENCH_READY) ## measure, beside what people use today; BENCH='speed --rounds 3' for a part of it
	@$(VENV) -m benchmarks.run $(BENCH)

clean: ## remove everything that can be made again
	rm -rf .venv .venv-lowest .nox .demo .up .mypy_cache .pytest_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN_READY): pyproject.toml constraints.txt
	$(call install,.venv,constraints.txt,Airflow,--editable .)

$(DEV_READY): pyproject.toml constraints.txt
	$(call install,.venv,constraints.txt,Airflow and what the tests need,--group dev $(PACKAGE))
	@touch $(RUN_READY)

$(BENCH_READY): pyproject.toml constraints.txt
	$(call install,.venv,constraints.txt,Airflow and what is measured beside it,--group dev --group bench $(PACKAGE))
	@touch $(RUN_READY) $(DEV_READY)

$(LOWEST_READY): pyproject.toml constraints-3.1.txt
	$(call install,.venv-lowest,constraints-3.1.txt,the lowest Airflow supported,--group test $(PACKAGE))

# $(call install,FOLDER,CONSTRAINTS,WORDS FOR WHAT,WHAT)
# The build backend is installed beforehand and used as it is, so that its version is a tested one too.
define install
@if [ -z "$(PYTHON_VERSION)" ]; then \
	echo "Python 3.11 or newer is needed$(if $(PYTHON),; $(PYTHON) is not one)." >&2; \
	echo "Say where one is: make PYTHON=/path/to/python3.12 ..." >&2; \
	exit 1; \
fi; \
if [ "$$($(1)/bin/python -c '$(VERSION)' 2>/dev/null)" != "$(PYTHON_VERSION)" ]; then \
	rm -rf $(1) && "$(PYTHON)" -m venv $(1) || exit 1; \
fi; \
printf 'Installing %s into %s, which takes about a minute ' "$(3)" $(1); \
while sleep 2 >/dev/null 2>&1; do printf .; done & \
trap "kill $$! 2>/dev/null" EXIT; \
trap 'exit 130' INT TERM; \
pip="$(1)/bin/python -m pip install --disable-pip-version-check --constraint $(2)"; \
if { $$pip --upgrade pip editables hatchling && $$pip --no-build-isolation $(4); } >$(1)/install.log 2>&1; then \
	echo ' done'; \
	touch $@; \
else \
	echo ' failed:'; \
	tail -n 20 $(1)/install.log; \
	echo "(all of it is in $(1)/install.log)"; \
	exit 1; \
fi
endef
