# make run: everything on one machine. make test, make check: what CI runs. The rest: see README.md.
PYTHON ?= python3
PORT ?= 8000
HOST ?= 127.0.0.1
BIN := .venv/bin
INSTALLED := .venv/.installed
# Hashes and texts that look like secrets to a machine. Passwords in code are for ruff to find (S105 to S107), which knows tests.
NO_SECRETS := requirements.lock|package-lock.json|static/vendor|locale/|.secrets.baseline
PACKAGES := tests/contract/node_modules/.installed

.PHONY: run install test test-long looks planted mutants chaos check fmt lock translations screens browser bench sbom clean

run: $(INSTALLED)
	$(BIN)/python manage.py migrate --verbosity 0
	$(BIN)/python manage.py demo --if-empty --tour
	@echo
	@echo "  Flowdeck: http://$(HOST):$(PORT)/   sign in: demo@demo-energy.example / demo-energy-2026   stop: Ctrl-C"
	@echo
	@exec $(BIN)/python manage.py up --host $(HOST) --port $(PORT)

install: $(INSTALLED)

$(INSTALLED): requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Flowdeck needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

# Both databases, the real clients and a real browser; how pages look does not depend on the database. TEST_DATABASE_URL: use this PostgreSQL instead of one of our own.
test: $(INSTALLED) $(PACKAGES) browser
	$(BIN)/python -m pytest -n 2 --dist worksteal tests
	$(BIN)/python -m tests.with_postgres $(BIN)/python -m pytest -n 2 --dist worksteal tests --ignore tests/engine --ignore tests/browser/test_pages.py

# The engine against its oracle, ten times as often, with another seed each time; SEED=... repeats one. Then more than 10,000
# generated requests on each database.
test-long: $(INSTALLED)
	@seed=$${SEED:-$$(date +%s)}; echo "seed $$seed"; \
	ORACLE_GRAPHS=500 $(BIN)/python -m pytest -n 0 tests/engine/test_oracle.py --hypothesis-seed $$seed
	GENERATED_CASES=45 $(BIN)/python -m pytest -n 2 --dist worksteal tests/api/test_generated.py
	GENERATED_CASES=45 $(BIN)/python -m tests.with_postgres $(BIN)/python -m pytest -n 2 --dist worksteal tests/api/test_generated.py

# Every page in all eight looks: light and dark, a desk and the smallest phone, English and German. `make test` takes two of each.
looks: $(INSTALLED) $(PACKAGES) browser
	ALL_LOOKS=1 $(BIN)/python -m pytest -n 2 --dist worksteal tests/browser/test_pages.py

# Bugs, planted one at a time into a copy of the engine, a query and the queue, must each turn a test or an experiment red.
planted: $(INSTALLED)
	$(BIN)/python -m tests.planted
	$(BIN)/python -m tests.chaos.planted

# What changes in the engine no test of it notices? About half an hour on two cores; the survivors are listed at the end.
mutants: $(INSTALLED)
	ORACLE_GRAPHS=5 $(BIN)/mutmut run
	$(BIN)/mutmut results

# Not npm ci: it refuses the SDK's optional dependency on a package that was never published. This, too, takes the lock's
# versions and checks its hashes.
$(PACKAGES): tests/contract/package-lock.json
	cd tests/contract && npm install --no-save --silent --no-audit --no-fund
	touch $@

# The long form of the experiments of which `make test` runs the short one.
chaos: $(INSTALLED)
	$(BIN)/python -m tests.chaos --out tests/chaos/results.json

browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
		(apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null) || \
		(echo "The browser tests need Chromium: install the package chromium, then run make test again." >&2; exit 1)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run --verbosity 0
	$(BIN)/python -m tests.lint_templates
	# Files of others are as they came, all of them are there, and there is none without a hash. A new one: > SHA256SUMS.
	cd static/vendor && find * -type f ! -name README.md ! -name SHA256SUMS | LC_ALL=C sort | xargs sha256sum | diff SHA256SUMS -
	# What is skipped here ruff asks for a reason for, line by line: SQL made of names, HTML that is safe.
	$(BIN)/bandit -q -ll -s B308,B608,B703 -r workflows dashboard config
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook --baseline .secrets.baseline --exclude-files '$(NO_SECRETS)'
	$(BIN)/python -m tests.audit_dependencies

# What a release is made of, as CycloneDX.
sbom: $(INSTALLED)
	mkdir -p var
	$(BIN)/cyclonedx-py requirements requirements.lock --output-format JSON --output-file var/sbom.json

fmt: $(INSTALLED)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Needs uv; the lock holds hashes and no address.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock

# The pictures in docs/screens and the one in the README, taken of the demo as it looks now, always on the same day.
screens: $(INSTALLED) browser
	$(BIN)/python -m tests.browser.screenshots

translations: $(INSTALLED)
	$(BIN)/pybabel compile --directory locale --domain django --locale de

bench: $(INSTALLED)
	$(BIN)/python -m bench

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache tests/contract/node_modules
