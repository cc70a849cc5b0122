"""Real environments from the package registry, on the oldest and newest Pythons that this machine has.

All share one store for the session, or the one that `ESTUDIO_TEST_HOME` names, so that `default` is built once.
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.environment import EnvironmentSpec, parse_environment
from estudio.environments.builder import PRESETS, EnvironmentStore
from estudio.environments.interpreters import find_interpreter
from estudio.environments.processes import clean_variables, uv_command
from estudio.errors import InterpreterNotFound, PackagesUnresolvable

if TYPE_CHECKING:
    from collections.abc import Callable

    from estudio.environments.built import BuiltEnvironment

pytestmark = [pytest.mark.environments, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> EnvironmentStore:
    shared = os.environ.get("ESTUDIO_TEST_HOME")
    # Workers of one session share the parent of their own folders.
    return EnvironmentStore(Path(shared) if shared else tmp_path_factory.getbasetemp().parent / "estudio-home")


def make_spec(python: str, *packages: str) -> EnvironmentSpec:
    return parse_environment({"name": "real", "python": python, "packages": packages}, "real")


def need(python: str) -> None:
    try:
        find_interpreter(python)
    except InterpreterNotFound:
        pytest.skip(f"this machine has no Python {python}")


def run(built: BuiltEnvironment, source: str, **variables: str) -> str:
    command = [str(built.python), "-s", "-B", "-c", source]
    finished = subprocess.run(command, capture_output=True, text=True, env=variables, cwd="/", check=False)
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.strip()


def test_default_imports_all_that_it_preloads_from_bytecode(store: EnvironmentStore) -> None:
    built = store.ensure(store.resolve("default"))
    assert built.size_bytes < 1_100_000_000
    assert {"pandas", "numpy", "scipy", "scikit-learn", "matplotlib", "seaborn", "statsmodels", "pyarrow"} <= set(
        built.packages
    )
    modules = ", ".join((*built.preload, *built.preload_when_used))
    stale = (
        f"import sys, os, {modules}\n"
        "print([m.__file__ for m in list(sys.modules.values()) if (getattr(m, '__file__', None) or '').endswith('.py')"
        " and 'site-packages' in m.__file__ and '/tests/' not in m.__file__ and not os.path.exists(m.__cached__)])"
    )
    assert run(built, stale) == "[]"


def test_default_has_every_package_that_it_names(store: EnvironmentStore) -> None:
    spec = store.resolve("default")
    built = store.ensure(spec)
    assert set(spec.package_names) <= set(built.packages)
    modules = {
        "scikit-learn": "sklearn", "scikit-image": "skimage", "pillow": "PIL", "beautifulsoup4": "bs4",
        "pyyaml": "yaml", "python-dateutil": "dateutil",
    }  # fmt: skip
    names = ", ".join(modules.get(name, name) for name in spec.package_names)
    assert run(built, f"import {names}; print('ok')") == "ok"


def test_the_first_plot_finds_its_fonts_listed(store: EnvironmentStore, tmp_path: Path) -> None:
    built = store.ensure(store.resolve("default"))
    for file in built.font_cache.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")}
    assert before
    plot = "import matplotlib.pyplot as p; p.plot([1]); p.title('x'); p.savefig('/dev/null', format='png')"
    run(built, plot, MPLCONFIGDIR=str(tmp_path), HOME=str(tmp_path), MPLBACKEND="Agg")
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.glob("*.json")} == before
    assert "/usr/share" not in "".join(file.read_text() for file in built.font_cache.glob("*.json"))


@pytest.mark.parametrize(
    ("python", "packages", "version"),
    [
        ("2.7", ("pandas==0.24.2", "numpy==1.16.6"), "0.24.2"),
        ("3.6", ("pandas==1.1.5",), "1.1.5"),
        ("3.7", ("pandas==1.3.5",), "1.3.5"),
        ("3.8", ("pandas==1.5.3",), "1.5.3"),
        ("3.13", ("pandas",), None),
        ("3.14", ("pandas",), None),
    ],
)
def test_custom_environments_from_the_oldest_to_the_newest(
    store: EnvironmentStore, python: str, packages: tuple[str, ...], version: str | None
) -> None:
    need(python)
    spec = make_spec(python, *packages)
    told: list[str] = []
    built = store.build(spec, told.append)
    printed = run(built, "import sys, pandas; print('%d.%d' % sys.version_info[:2] + ' ' + pandas.__version__)")
    assert printed == f"{python} {version or built.packages['pandas']}"
    assert store.find(spec) == built
    assert list(built.folder.glob("lib/python*/site-packages/pandas/**/*.pyc"))


def test_a_package_from_source_is_built_only_where_it_is_allowed(store: EnvironmentStore) -> None:
    with pytest.raises(PackagesUnresolvable, match="list the package in from-source"):
        store.build(make_spec(">=3.11", "pandas", "docopt"))
    document = {"python": ">=3.11", "packages": ["pandas", "docopt"], "from-source": ["docopt"]}
    built = store.build(parse_environment(document, "real"))
    assert run(built, "import docopt; print(docopt.__version__)") == built.packages["docopt"]


@pytest.mark.parametrize("python", [">=3.11", "2.7"])
def test_a_version_that_does_not_exist(store: EnvironmentStore, python: str) -> None:
    need(python)
    with pytest.raises(PackagesUnresolvable, match="pandas==99"):
        store.build(make_spec(python, "pandas==99"))


def test_a_python_that_is_not_installed(store: EnvironmentStore) -> None:
    with pytest.raises(InterpreterNotFound, match=r"3\.99"):
        store.build(make_spec("3.99", "pandas"))


def test_conflicting_environments_are_built_side_by_side(store: EnvironmentStore) -> None:
    need("3.12")
    results: dict[str, str] = {}

    def build(version: str) -> None:
        built = store.ensure(make_spec("3.12", f"pandas=={version}"))
        results[version] = run(built, "import pandas; print(pandas.__version__)")

    call: Callable[[str], threading.Thread] = lambda version: threading.Thread(target=build, args=(version,))  # noqa: E731
    threads = [call("2.2.3"), call("3.0.0"), call("2.2.3")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {"2.2.3": "2.2.3", "3.0.0": "3.0.0"}


@pytest.mark.parametrize("platform", ["x86_64-manylinux_2_28", "aarch64-manylinux_2_28"])
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_the_built_in_lock_has_wheels_for_every_python_and_processor(
    python: str, platform: str, tmp_path: Path
) -> None:
    where = ["--target", str(tmp_path), "--python-version", python, "--python-platform", platform]
    what = ["--only-binary", ":all:", "--require-hashes", "-r", str(PRESETS / "default.lock")]
    command = [*uv_command(), "pip", "install", "--dry-run", "--no-python-downloads", *where, *what]
    finished = subprocess.run(command, env=clean_variables(), cwd="/", capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
