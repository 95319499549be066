# On a machine with nothing but Python 3.11: `make demo` shows it at work, `make test` tests it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test fast check format lock wheel clean

demo: $(VENV)/.ready
	$(BIN)/yemotd demo

test: $(VENV)/.ready
	$(BIN)/python -m pytest -p no:cacheprovider

fast: $(VENV)/.ready
	$(BIN)/python -m pytest -m "not slow"

check: $(VENV)/.ready
	./check

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Every dependency with its hashes, and no address of where it came from.
lock: $(VENV)/.ready
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --upgrade --extra dev pyproject.toml -o requirements-dev.txt

wheel: $(VENV)/.ready
	$(BIN)/python -m build --wheel --no-isolation

clean:
	rm -rf $(VENV) dist build

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	./bootstrap $(PYTHON) $(VENV)
	touch $@
