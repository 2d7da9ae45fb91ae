# Two commands: `make demo` and `make test`. Everything is set up in .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint types tests bench clean

demo: $(VENV)/.alpr
	$(BIN)/alpr demo

test: lint types tests

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

tests: $(VENV)/.test
	$(BIN)/pytest

bench: $(VENV)/.alpr
	$(BIN)/alpr bench

$(VENV)/.alpr: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "alpr needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
		{ echo "cannot make a virtual environment; on Debian: apt install python3-venv"; exit 1; }
	$(PIP) install --quiet --constraint constraints.txt --editable .
	$(WITHOUT_WINDOWS)
	@touch $@

$(VENV)/.test: $(VENV)/.alpr
	$(PIP) install --quiet --constraint constraints.txt --editable '.[test]'
	$(WITHOUT_WINDOWS)
	@touch $@

# opencv-python links X libraries, which a roadside computer lacks; the headless build is the same without windows,
# and alpr opens none (docs/decisions/0005).
WITHOUT_WINDOWS = @$(BIN)/python -c 'import cv2' 2>/dev/null || { \
	echo "no X libraries on this machine: taking OpenCV's headless build"; \
	$(PIP) uninstall --quiet --yes opencv-python && \
	$(PIP) install --quiet --constraint constraints.txt --force-reinstall --no-deps opencv-python-headless; }

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache build dist
