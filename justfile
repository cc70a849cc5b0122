# Short names for what CI runs. `just` alone lists them.

_list:
    @just --list

# Make .venv with everything that the recipes below need
setup:
    python3 start.py setup

# Run the tests; options go to pytest
test *options:
    python3 start.py test -n auto {{ options }}

# Format, then lint
lint: setup
    .venv/bin/ruff format .
    .venv/bin/ruff check .

# Check the types
types: setup
    .venv/bin/mypy

# Check who may import whom
contract: setup
    .venv/bin/lint-imports

# Build the documentation into docs/_build/html, without warnings
docs: setup
    .venv/bin/sphinx-build -W --keep-going -b html docs docs/_build/html

# Measure, side by side
bench *options: setup
    .venv/bin/python -m benchmarks {{ options }}

# Make the locks anew, with the newest versions that pyproject.toml allows
lock: setup
    .venv/bin/uv pip compile pyproject.toml --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements.lock
    .venv/bin/uv pip compile pyproject.toml --group dev --constraints requirements.lock --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --quiet --output-file requirements-dev.lock

# Everything that CI does
ci:
    .ci/run
