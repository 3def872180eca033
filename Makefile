# `make demo` and `make test` set everything up by themselves, in .venv, the first time.

PYTHON ?= python3
WORKERS ?= 2
DEMO_RESULT ?= demo-result

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

# One thread per small dense solve, and no look for newer versions of the type checker.
export OPENBLAS_NUM_THREADS := 1
export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

.PHONY: help demo doctor test test-quick check format clean
help:
	@echo "make demo        simulate a walking trial, fit it, write $(DEMO_RESULT)/"
	@echo "make test        style, types, all tests, the wheel"
	@echo "make test-quick  the tests that take seconds"
	@echo "make check       style and types"
	@echo "make format      rewrite the code in the house style"
	@echo "make doctor      what is installed, what is missing, and how to get it"
	@echo "make clean       remove .venv and all caches"

demo: $(VENV)/.runtime
	$(BIN)/diffbio demo -o $(DEMO_RESULT)

doctor: $(VENV)/.runtime
	$(BIN)/diffbio doctor

test: check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile
	XLA_FLAGS= $(BIN)/python -m pytest -m as_shipped

test-quick: $(VENV)/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -m "not slow"

check: $(VENV)/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright --pythonpath $(BIN)/python

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf $(VENV) .cache .hypothesis .pytest_cache .ruff_cache build *.egg-info
	find . -name __pycache__ -prune -exec rm -rf {} +

# Set-up, done again only when the dependencies change.
$(VENV)/.runtime: pyproject.toml constraints.txt
	$(call install,.)
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	$(call install,".[dev]")
	@touch $@ $(VENV)/.runtime

# A machine without a desktop lacks the libraries opencv-python links to. There, the build of
# OpenCV without windows takes its place: diffbio never opens one.
define install
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "diffbio needs Python 3.11 or newer; this is `$(PYTHON) --version`." \
	     "Name another with: make PYTHON=python3.12 ..."; exit 1; }
@echo "Setting up $(VENV) (a minute or two, the first time)"
@$(PYTHON) -m venv $(VENV)
@$(PIP) install --quiet -c constraints.txt -e $(1)
@$(BIN)/python -c 'import cv2' 2>/dev/null || { \
	$(PIP) uninstall --quiet --yes opencv-python && \
	$(PIP) install --quiet --no-deps --force-reinstall -c constraints.txt opencv-python-headless; }
endef
