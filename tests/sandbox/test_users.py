"""The same walls for an ordinary user: no root, no privilege to drop, an account whose own files must stay unharmed.

A guest is that very user outside: what root's guests are kept from by being nobody, only the walls keep these from.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import estudio

from .test_files import BY_DESCRIPTOR

if TYPE_CHECKING:
    from estudio.environments.built import BuiltEnvironment

USER = 65534
CHILD = """
import json, os, sys
from tests.sandbox.attacking import LIMITS, Sandbox, ScriptEnvironment
from dataclasses import replace
asked = json.load(sys.stdin)
sandbox = Sandbox(ScriptEnvironment(asked["python"], tuple(asked["readonly"]), ("numpy", "pandas", "pyarrow")))
told = []
try:
    for act, given, bundle in asked["acts"]:
        each = sandbox.attack(act, given, bundle=bundle, limits=replace(LIMITS, memory_bytes=256 << 20))
        told.append([each.done, each.evidence, each.error])
finally:
    sandbox.close()
isolation = sandbox.executor.pools.isolation
print(json.dumps([os.geteuid(), told, isolation.level, isolation.missing]))
"""
Ask = Callable[..., list[Any]]


def _copy(source: Path, target: Path) -> None:
    """By hard links where that goes: the packages are a hundred megabytes."""

    def link(old: str, new: str) -> None:
        try:
            os.link(old, new)
        except OSError:
            shutil.copy2(old, new)

    shutil.copytree(
        source, target, copy_function=link, symlinks=True, ignore=shutil.ignore_patterns("tests", "include")
    )


def _system_python(version: str) -> Path | None:
    """A Python that everybody may run, of the version that the packages were built for."""
    for folder in ("/usr/bin", "/usr/local/bin"):
        path = Path(folder, f"python{version}")
        if path.exists() and all(
            each.stat().st_mode & stat.S_IXOTH for each in (path.resolve(), *path.resolve().parents)
        ):
            return path.resolve()
    return None


@pytest.fixture(scope="module")
def ask(
    machine_level: str,  # noqa: ARG001
    built: BuiltEnvironment,
    require_module: Callable[[object, str], None],
) -> Iterator[Ask]:
    """Acts in, what they told out: by a sandbox of an ordinary user, in a world that this user may read."""
    own = f"{sys.version_info[0]}.{sys.version_info[1]}"
    wanted = f"{built.version[0]}.{built.version[1]}"
    python = _system_python(wanted)
    require_module(
        os.geteuid() == 0, "only root can become another user; as an ordinary user all other tests here are it"
    )
    require_module(python is not None and own == wanted, f"no Python {wanted} here that everybody may run")
    with tempfile.TemporaryDirectory(prefix="estudio-user-") as name:
        world = Path(name)
        world.chmod(0o755)
        library = Path("lib", f"python{wanted}", "site-packages")
        (world / "venv" / "bin").mkdir(parents=True)
        (world / "venv" / "bin" / "python").symlink_to(str(python))
        (world / "venv" / "pyvenv.cfg").write_text("home = /usr/bin\n")
        _copy(built.folder / library, world / "venv" / library)
        import orjson
        import pyarrow as pa

        for package in (pa, orjson):
            _copy(Path(str(package.__file__)).parent, world / "host" / package.__name__)
        _copy(Path(estudio.__file__).parent, world / "host" / "estudio")
        _copy(Path(__file__).parent, world / "host" / "tests" / "sandbox")
        subprocess.run(["/bin/chmod", "-R", "a+rX", name], check=True)
        yield lambda *acts: _asked(world, python, acts)


def _asked(world: Path, python: Path | None, acts: tuple[tuple[str, dict[str, Any], str | None], ...]) -> list[Any]:
    standard = (
        Path(os.path.realpath(str(python))).parent.parent / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    )
    asked = {
        "python": str(world / "venv" / "bin" / "python"),
        "readonly": [str(world / "venv"), str(standard)],
        "acts": acts,
    }
    ended = subprocess.run(
        [str(python), "-s", "-B", "-c", CHILD],
        input=json.dumps(asked),
        env={"PYTHONPATH": str(world / "host"), "SECRET_CANARY": "of the user"},
        cwd="/",
        user=USER,
        group=USER,
        extra_groups=[USER, 4],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    user, told, level, _ = json.loads(ended.stdout)
    assert (user, level) == (USER, "full")
    return list(told)


@pytest.fixture(scope="module")
def require_module() -> Callable[[object, str], None]:
    """As `require`, for a fixture of a module."""

    def check(condition: object, reason: str) -> None:
        if not condition:
            if os.environ.get("ESTUDIO_SANDBOX_MUST_WORK") == "1" and os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(f"NOT TESTED AS AN ORDINARY USER: {reason}")

    return check


def test_an_ordinary_users_walls_hold(ask: Ask) -> None:
    """Files, processes, network, programs, privileges: a handful, in one sandbox."""
    with (
        tempfile.TemporaryDirectory(prefix="canary-") as name,
        subprocess.Popen(["/bin/sleep", "60"], user=USER) as sleeper,
    ):
        try:
            folder = Path(name)
            secret, bundle = folder / "secret.txt", folder / "bundle.zip"
            secret.write_text("mine")
            with zipfile.ZipFile(bundle, "w") as archive:
                archive.writestr("x.py", "")
            for path in (folder, secret, bundle):
                os.chown(path, USER, USER)
                path.chmod(0o700)
            facts = {"path": str(secret), "pid": sleeper.pid, "size": bundle.stat().st_size}
            told = ask(
                ("return [os.getuid(), os.getgroups(), os.getpid(), os.environ.get('SECRET_CANARY')]", facts, None),
                ("return open(given['path']).read()", facts, None),
                ("open(given['path'], 'w').write('x'); return 1", facts, None),
                ("os.chmod(given['path'], 0o777); return 1", facts, None),
                ("os.kill(given['pid'], 9); return 1", facts, None),
                ("import socket; socket.socket(); return 1", facts, None),
                ("import subprocess; return subprocess.check_call('/bin/true')", facts, None),
                ("syscall('unshare', 0x10000000); return 1", facts, None),
                (BY_DESCRIPTOR, facts, str(bundle)),
                ("return len([b'x' * (64 << 20) for _ in range(16)])", facts, None),
                ("open('own', 'w').write('x'); return open('own').read()", facts, None),
            )
            first, *refused, by_descriptor, memory, own = told
            assert first[0]
            assert first[1][0] == 1000
            assert first[1][2:] == [1, None]
            assert [each[0] for each in refused] == [False] * 7
            assert by_descriptor[:2] == [True, []]
            assert memory[2] in {"MemoryError", "out-of-memory:out-of-memory"}
            assert own[:2] == [True, "x"]
            assert secret.read_text() == "mine"
            assert {path.stat().st_mode & 0o777 for path in (secret, bundle)} == {0o700}
            assert sleeper.poll() is None
        finally:
            sleeper.kill()
