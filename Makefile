# The project's commands: `make demo`, `make test`, and the rest that `make help` lists.
# Needs Python >= 3.11 (PYTHON=... picks one) and a C++20 compiler; all else comes from PyPI into .venv.

PYTHON ?= python3
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
# An index that holds PyTorch without CUDA saves gigabytes: TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=

VENV := .venv
ORACLE := .venv-oracle
RELEASE := build/release
PY := $(VENV)/bin/python
ORACLE_PY := $(ORACLE)/bin/python
PACKAGES := .venv-packages
PACKAGES_PY := $(PACKAGES)/bin/python
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export CMAKE_BUILD_PARALLEL_LEVEL := $(JOBS)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONNOUSERSITE := 1
unexport PYTHONPATH
# A build in progress must not be joined by another target's, and pip runs once at a time in a venv.
.NOTPARALLEL:

# Folders are listed too: their time changes when a file is removed.
SOURCES := pyproject.toml CMakeLists.txt $(wildcard cmake/*.cmake) \
    $(shell find core bindings python \( -name __pycache__ -o -name '.*_cache' \) -prune -o -print)
CPP_FILES = $(shell find core bindings tests/cpp -name '*.h' -o -name '*.cpp')
STUBS := $(RELEASE)/package/tapeless/__init__.pyi  # Written by tools/stubs.py when the wheel is built.

# The parts of the suite that say most under the sanitizers: kernels, memory that is shared or freed, the collector.
SANITIZE_TESTS ?= $(addprefix tests/test_,$(addsuffix .py,table deferral inplace_and_views function garbage \
    saved_values_and_versions saved_tensor_hooks hooks backward modes interop levels levels_of_indexing \
    random_programs indexing placing shapes memory_formats reductions order counting products linalg \
    normalization_layers windows_and_pads activations losses distances ctc distributions fft linalg_more autocast))
THREAD_TESTS ?= $(notdir $(basename $(wildcard tests/cpp/test_*.cpp)))

.PHONY: build demo test lint format conformance coverage packages reference pictures missing bench \
    sanitize sanitize-address sanitize-thread clean help
.DEFAULT_GOAL := help

help:
	@echo "make build        build and install into $(VENV)"
	@echo "make demo         train a convolutional network on real digits, draw the loss and the graph into out/"
	@echo "make test         C++ and Python tests; TESTS='tests/test_x.py -k name' picks some"
	@echo "make lint         ruff, clang-format, mypy on the stubs; make format repairs what it can"
	@echo "make conformance  compare with PyTorch 2.13.0, in $(ORACLE): its own samples (ARGS=... go to"
	@echo "                  the runner), random programs (RANDOM_PROGRAMS='--programs 5000') and index"
	@echo "                  expressions (INDEX_EXPRESSIONS='--expressions 99999')"
	@echo "make packages     packages of PyPI on Tapeless and on PyTorch; writes docs/compatibility.md"
	@echo "make coverage     which of the names that public programs use exist here"
	@echo "make reference    write docs/operations.md from the operations' own docstrings"
	@echo "make pictures     draw the pictures of docs/tutorial.md"
	@echo "make missing      list the names of PyTorch that are not here, for the errors that name them"
	@echo "make bench        speed against PyTorch, in $(ORACLE); ARGS=... go to the runner"
	@echo "make sanitize     tests under address, undefined-behaviour and thread sanitizers"
	@echo "make clean        remove all that these commands made"

# $(call venv,FOLDER): a virtual environment there, or a sentence that says what is missing.
define venv
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "make: Python >= 3.11 is needed; name one: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(1)/bin/python || $(PYTHON) -m venv $(1) || \
	    { rm -rf $(1); echo "make: $(PYTHON) cannot make a virtual environment; install its venv module" >&2; exit 1; }
endef

# $(call install,PYTHON,GROUPS): the named groups of pyproject.toml (see tools/requirements.py).
install = $(1) tools/requirements.py $(2) | $(1) -m pip install --quiet -r /dev/stdin

$(VENV)/.base: pyproject.toml tools/requirements.py
	$(call venv,$(VENV))
	$(call install,$(PY),build tools run)
	@touch $@

# .venv/.test, .venv/.lint, .venv/.demo: the extra of that name is installed.
$(VENV)/.%: $(VENV)/.base
	$(call install,$(PY),$*)
	@touch $@

$(RELEASE)/.wheel: $(SOURCES) $(VENV)/.base tools/build_wheel.py tools/stubs.py
	@mkdir -p $(RELEASE) && touch $@.begun  # A source changed while this runs must count as newer.
	$(PY) tools/build_wheel.py $(RELEASE)
	@mv $@.begun $@

$(VENV)/.installed: $(RELEASE)/.wheel
	$(PY) -m pip install --quiet --force-reinstall --no-deps $(RELEASE)/dist/*.whl
	@touch -r $< $@

build: $(VENV)/.installed

demo: build $(VENV)/.demo
	@mkdir -p out
	$(PY) -m tapeless examples/digits_cnn.py --out out

# Exit 5 (no test collected) ends make as any other failure does.
TESTS ?= tests
test: build $(VENV)/.test
	$(VENV)/bin/cmake --build $(RELEASE) --target cpp_tests
	$(PY) -W error -m pytest -q $(TESTS)

lint: $(VENV)/.lint build
	$(VENV)/bin/ruff check .
	$(if $(CPP_FILES),$(VENV)/bin/clang-format --dry-run --Werror $(CPP_FILES))
	$(PY) -m mypy --follow-imports=silent $(STUBS)

format: $(VENV)/.lint
	$(VENV)/bin/ruff check --fix --exit-zero .
	$(VENV)/bin/ruff format .
	$(if $(CPP_FILES),$(VENV)/bin/clang-format -i $(CPP_FILES))

$(ORACLE)/.base: pyproject.toml tools/requirements.py
	$(call venv,$(ORACLE))
	$(if $(TORCH_INDEX),$(ORACLE_PY) -m pip install --quiet --index-url $(TORCH_INDEX) torch==2.13.0)
	$(call install,$(ORACLE_PY),run oracle)
	@touch $@

$(ORACLE)/.installed: $(ORACLE)/.base $(RELEASE)/.wheel
	$(ORACLE_PY) -m pip install --quiet --force-reinstall --no-deps $(RELEASE)/dist/*.whl
	@touch $@

# The programs' seed is fixed, so that a change is judged by itself; without --seed they are new ones.
RANDOM_PROGRAMS ?= --programs 500 --seed 1
INDEX_EXPRESSIONS ?= --expressions 20000 --seed 1
# What is compared besides PyTorch's samples of operations, which alone take ARGS and then run alone.
COMPARED := modules module_scripts "random_programs $(RANDOM_PROGRAMS)" "index_expressions $(INDEX_EXPRESSIONS)" \
    distributions functional autocast files optimizers examples data
conformance: $(ORACLE)/.installed
	$(ORACLE_PY) -m tests.conformance $(ARGS)
	@$(if $(ARGS),,for part in $(COMPARED); do echo "tests.conformance.$$part"; \
	    $(ORACLE_PY) -m tests.conformance.$$part; done)

# Packages run beside the package made here and, from the oracle's folder, beside PyTorch.
$(PACKAGES)/.base: pyproject.toml tools/requirements.py
	$(call venv,$(PACKAGES))
	$(PACKAGES_PY) tools/requirements.py packages | $(PACKAGES_PY) -m pip install --quiet --no-deps -r /dev/stdin
	@touch $@

$(PACKAGES)/.installed: $(PACKAGES)/.base $(RELEASE)/.wheel
	$(PACKAGES_PY) -m pip install --quiet --force-reinstall --no-deps $(RELEASE)/dist/*.whl
	@touch $@

packages: $(PACKAGES)/.installed $(ORACLE)/.base
	$(PACKAGES_PY) -m tests.packages --torch $(wildcard $(ORACLE)/lib/python*/site-packages) \
	    $(or $(ARGS),--page docs/compatibility.md)

coverage: build
	$(PY) -m tests.coverage

reference: build
	$(PY) tools/reference.py docs/operations.md

pictures: build
	$(PY) tools/pictures.py docs/pictures

missing: $(ORACLE)/.installed
	$(ORACLE_PY) tools/missing.py python/tapeless/_missing_names.txt

bench: $(ORACLE)/.installed
	$(ORACLE_PY) bench/run.py $(ARGS)

sanitize: sanitize-address sanitize-thread

# The instrumented package goes to its own folder, put before the installed one on the path.
build/address/.wheel: $(SOURCES) $(VENV)/.base tools/build_wheel.py
	$(PY) tools/build_wheel.py build/address TAPELESS_SANITIZE=address,undefined
	rm -rf build/address/site
	$(PY) -m pip install --quiet --no-deps --target build/address/site build/address/dist/*.whl
	@touch $@

# The sanitizers write past Python's stderr, hence --capture=sys.
# Leaks are the business of the collector's tests: the interpreter itself leaves blocks behind at exit.
sanitize-address: build/address/.wheel $(VENV)/.test
	$(VENV)/bin/cmake --build build/address --target cpp_tests
	@for program in build/address/cpp_tests/test_*; do \
	    echo "$$program"; UBSAN_OPTIONS=print_stacktrace=1 $$program; done
	LD_PRELOAD="$$($${CXX:-g++} -print-file-name=libasan.so) $$($${CXX:-g++} -print-file-name=libubsan.so)" \
	    ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONMALLOC=malloc \
	    PYTHONPATH=build/address/site \
	    $(PY) -W error -m pytest -q --capture=sys $(SANITIZE_TESTS)

build/thread/.configured: CMakeLists.txt $(wildcard cmake/*.cmake) $(VENV)/.base
	$(VENV)/bin/cmake -S . -B build/thread -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(VENV)/bin/ninja) \
	    -DTAPELESS_SANITIZE=thread -DTAPELESS_BINDINGS=OFF
	@touch $@

sanitize-thread: build/thread/.configured
	$(VENV)/bin/cmake --build build/thread --target cpp_tests
	@for name in $(THREAD_TESTS); do echo "$$name"; \
	    TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1" build/thread/cpp_tests/$$name; done

clean:
	rm -rf build out $(VENV) $(ORACLE) $(PACKAGES) .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
