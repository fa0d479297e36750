# One command before each commit: `make check`. Options for pytest: `make test ARGS="-k flow"`.
.PHONY: check lint format test

check: lint test

lint:
	ruff check .
	ruff format --check .
	lint-imports

format:
	ruff check --fix .
	ruff format .

test:
	python .ci/every_backend.py $(ARGS)
