"""Builds environments for the contract tests on every interpreter that is installed here, and prints their Pythons.

    export ESTUDIO_TEST_PYTHONS=$(python -m tests.contract.interpreters)

The oldest (2.7), the newest, and the built-in environment, which has matplotlib and scikit-learn. What is not installed
is said on standard error and left out.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from estudio.core.environment import parse_environment
from estudio.environments.builder import EnvironmentStore
from estudio.errors import InterpreterNotFound

WANTED = (
    {"name": "contract-oldest", "python": "2.7", "packages": ["pandas==0.24.2", "numpy==1.16.6"]},
    {"name": "contract-old", "python": "3.6", "packages": ["pandas==1.1.5", "numpy==1.19.5"]},
    {"name": "contract-newest", "python": ">=3.12", "packages": ["pandas", "numpy", "pyarrow"]},
)


def main() -> None:
    """Build what can be built; the paths go to standard output, joined by `:`."""
    home = os.environ.get("ESTUDIO_TEST_HOME")
    store = EnvironmentStore(Path(home) if home else None)
    specs = [parse_environment(document, str(document["name"])) for document in WANTED]
    pythons = []
    for spec in (*specs, store.resolve("default")):
        try:
            pythons.append(str(store.ensure(spec).python))
        except InterpreterNotFound as error:
            sys.stderr.write(f"left out: {error.message}\n")
    sys.stdout.write(":".join(pythons) + "\n")


if __name__ == "__main__":
    main()
