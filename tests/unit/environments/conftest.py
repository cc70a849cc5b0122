"""A package registry of two tiny wheels in a folder, so that real builds by the real uv need no network."""

from __future__ import annotations

import functools
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from estudio.core.environment import EnvironmentSpec, parse_environment
from estudio.environments.builder import EnvironmentStore

if TYPE_CHECKING:
    from pathlib import Path

Spec = Callable[..., EnvironmentSpec]


def _write_wheel(folder: Path, name: str, version: str, requires: str = "", source: str = "") -> None:
    info = f"{name}-{version}.dist-info"
    needs = f"Requires-Dist: {requires}\n" if requires else ""
    with zipfile.ZipFile(folder / f"{name}-{version}-py2.py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{name}/__init__.py", source or f'__version__ = "{version}"\n')
        wheel.writestr(f"{name}/tests/__init__.py", "")
        wheel.writestr(f"{name}/broken.py", "this is no Python\n")
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py2-none-any\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    _write_wheel(folder, "pandas", "1.0", requires="numpy")
    _write_wheel(folder, "pandas", "2.0", requires="numpy>=2")
    _write_wheel(folder, "numpy", "1.0")
    _write_wheel(folder, "numpy", "2.0")
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def write_wheel(wheels: Path) -> Callable[..., None]:
    return functools.partial(_write_wheel, wheels)


@pytest.fixture
def store(tmp_path: Path) -> EnvironmentStore:
    return EnvironmentStore(tmp_path / "home")


@pytest.fixture
def make_spec() -> Spec:
    def make(*packages: str, python: str = ">=3.11", name: str = "mine", **fields: object) -> EnvironmentSpec:
        document = {"name": name, "python": python, "packages": packages or ("pandas",), **fields}
        return parse_environment(document, name)

    return make
