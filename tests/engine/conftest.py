"""Everything here runs real walls in a real environment, or kills processes."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files whose names say so need walls and the built-in environment."""
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent) and "real" in item.path.name:
            item.add_marker(pytest.mark.sandbox)
            item.add_marker(pytest.mark.environments)
