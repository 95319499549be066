# On a machine with nothing but Python 3.11: `make demo` shows it at work, `make test` tests it.
# `make demo WORDS=--stay` lets all of it run on at the end, so that the page can be looked at.
# With every example that Hypothesis has to try: make test WORDS='--hypothesis-profile full'
# `make deb` makes a Debian package, `make install` (as root, after `make opt`) goes without one: docs/operating.md.
# `make bench` measures it, beside its peers; with words of its own: make bench WORDS='--quick --only latency'
# Where the time of a figure goes: make bench WORDS='--profile durable'. More: docs/performance.md.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Of the service: it must be there for every user of the machine.
SYSTEM_PYTHON ?= /usr/bin/python3
prefix ?= /usr/local
DESTDIR ?=
OPT := build/opt

# What is quick enough to run before each commit: 20 s of CPU. Named by folder, not marked, because a test that a
# marker leaves out is imported all the same; so a new folder is not in it until it is put here.
FAST := app config core host operations schemas store wiring

# What uses the store as the daemon and its command line do.
STORIES := cli operations pipeline stories wiring workers

.PHONY: demo pictures events test fast statements soak check format bench lock wheel opt install uninstall deb clean

demo: $(VENV)/.ready
	$(BIN)/yemotd demo $(WORDS)

test: $(VENV)/.ready
	$(BIN)/python -m pytest -p no:cacheprovider -n auto -rsfE $(WORDS)

fast: $(VENV)/.ready
	$(BIN)/python -m pytest -q -m "not slow" --cpu-budget 20 $(FAST:%=tests/%)

# At a release: what its store says, which the next one has to understand.
statements: $(VENV)/.ready
	$(BIN)/python -m pytest -q -m "not slow" --record-statements $(STORIES:%=tests/%)

# The daemon under fire, with its clock set, stopped, killed, its log unread: make soak SECONDS=1800 SEED=15
SECONDS ?= 60
soak: $(VENV)/.ready
	$(BIN)/python -m tests.soak --seconds $(SECONDS) $(if $(SEED),--seed $(SEED))

# The pictures of the documentation: with Chromium.
pictures: $(VENV)/.ready
	$(BIN)/python -m tests.support.pictures
	$(BIN)/python -m tests.browser.pictures

# The page on events, of what the code says of them.
events: $(VENV)/.ready
	$(BIN)/python -m tests.support.event_page

check: $(VENV)/.ready
	./check

format: $(VENV)/.ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.ready bench/.venv/.ready
	$(BIN)/python -m bench $(WORDS)

# Every dependency with its hashes, and no address of where it came from.
lock: $(VENV)/.ready
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --upgrade --extra dev pyproject.toml -o requirements-dev.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --upgrade --extra apprise --extra postgres -c requirements-dev.txt \
		pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-header \
		--python-version 3.11 --upgrade bench/requirements.in -o bench/requirements.txt

wheel: $(VENV)/.ready
	$(BIN)/python -m build --wheel --no-isolation

# What is installed at /opt/yemotd.
opt: $(OPT).ready

install: $(OPT).ready
	packaging/install $(OPT) "$(DESTDIR)" "$(prefix)"

uninstall:
	packaging/uninstall "$(DESTDIR)" "$(prefix)"

deb: $(OPT).ready
	mkdir -p dist
	packaging/deb $(OPT) dist

clean:
	rm -rf $(VENV) bench/.venv dist build

$(VENV)/.ready: requirements-dev.txt pyproject.toml
	./bootstrap $(PYTHON) $(VENV)
	touch $@

# What the peers of the benchmark need from PyPI, apart from what we need ourselves.
bench/.venv/.ready: bench/requirements.txt | $(VENV)/.ready
	$(BIN)/python -m venv --clear bench/.venv
	bench/.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		-r bench/requirements.txt
	touch $@

$(OPT).ready: requirements.txt pyproject.toml config.toml packaging/environment packaging/completion/_yemotd \
		packaging/completion/yemotd.bash packaging/completion/yemotd.fish systemd/tell-failure systemd/say-credentials \
		$(shell find daemon migrations -type f ! -name '*.pyc') | $(VENV)/.ready
	mkdir -p build
	packaging/environment $(SYSTEM_PYTHON) $(CURDIR)/$(BIN) $(CURDIR)/$(OPT)
	touch $@
