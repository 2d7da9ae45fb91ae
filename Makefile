# Two commands: `make demo` and `make test`. Everything is set up in .venv (`make train-smoke`: in .venv-train).

PYTHON ?= python3
VENV := .venv
TRAIN := .venv-train
BIN := $(VENV)/bin
PIP = $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test lint types units integration slow browser coverage test-paddle docs bench train-smoke clean

demo: $(VENV)/.alpr
	$(BIN)/alpr demo

# Quickest verdicts first. Tests of devices and links wait more than they reckon: more processes than cores. What
# measures time runs by itself at the end.
test: lint units types integration

PARALLEL = --dist worksteal -m 'not alone and not slow'
UNITS = tests/meta tests/golden tests/contract tests/unit alpr

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test
	$(BIN)/mypy

units: $(VENV)/.test
	$(BIN)/pytest -n 2 $(PARALLEL) $(UNITS)

integration: $(VENV)/.test
	$(BIN)/pytest -n 4 $(PARALLEL) tests/property tests/integration
	$(BIN)/pytest -m 'alone and not slow'

# All that takes seconds: programs that are killed, starved and attacked, cameras that fail, real pictures. Minutes.
slow: $(VENV)/.test
	$(BIN)/pytest -n 3 --dist worksteal -m 'slow and not alone'
	$(BIN)/pytest -m 'slow and alone'

# The officer's page in the system's chromium (apt install chromium); axe-core comes from npm.
browser: $(VENV)/.test
	$(PIP) install --quiet --constraint constraints.txt --editable '.[test,browser]'
	@test -f build/npm/axe.min.js || $(BIN)/python -m tools.web_assets axe
	$(BIN)/pytest -m browser

# Which lines the tests reach, those of programs that they start included; shown, and held to no number.
coverage: $(VENV)/.test
	$(BIN)/coverage erase
	-$(BIN)/coverage run -m pytest -q
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# PaddleOCR pins an older OpenCV and brings fifty packages (445 MB): it has an environment of its own.
test-paddle: .venv-paddle/.alpr
	.venv-paddle/bin/pytest -m paddle tests/integration/test_paddle.py

.venv-paddle/.alpr: pyproject.toml
	@test -x .venv-paddle/bin/python || $(PYTHON) -m venv .venv-paddle
	.venv-paddle/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[test,paddle]' onnx
	@touch $@

# The site of docs/ and of the API, in build/site: any link that leads nowhere and any fetch from another host fails it.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict
	$(BIN)/python -m tools.site.check build/site

bench: $(VENV)/.alpr
	$(BIN)/alpr bench

# The whole training chain with a tiny budget. PyTorch stands in an environment of its own: `make test` is without it.
train-smoke: $(TRAIN)/.train
	$(TRAIN)/bin/python -m training.smoke

$(TRAIN)/.train: BIN := $(TRAIN)/bin
$(TRAIN)/.train: pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(TRAIN)
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[train]' || { \
		echo "train-smoke: no package index here gave the extra 'train' (PyTorch, onnx, Pillow);" \
			"name one that has it by PIP_INDEX_URL, PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS"; exit 1; }
	$(WITHOUT_WINDOWS)
	@touch $@

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

$(VENV)/.docs: $(VENV)/.test
	$(PIP) install --quiet --constraint constraints.txt --editable '.[test,docs]'
	$(WITHOUT_WINDOWS)
	@touch $@

# opencv-python links X libraries, which a roadside computer lacks; the headless build is the same without windows,
# and alpr opens none (docs/decisions/0009).
WITHOUT_WINDOWS = @$(BIN)/python -c 'import cv2' 2>/dev/null || { \
	echo "no X libraries on this machine: taking OpenCV's headless build"; \
	$(PIP) uninstall --quiet --yes opencv-python && \
	$(PIP) install --quiet --constraint constraints.txt --force-reinstall --no-deps opencv-python-headless; }

clean:
	rm -rf $(VENV) .venv-paddle $(TRAIN) .mypy_cache .ruff_cache .pytest_cache build dist
