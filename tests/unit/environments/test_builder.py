"""Real builds by the real uv, from a folder of tiny wheels: no network."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from estudio.core.environment import EnvironmentSpec, check_lock
from estudio.environments import interpreters, processes
from estudio.environments.builder import EnvironmentStore, default_root, digest_of, preset_names
from estudio.environments.interpreter_records import InterpreterRecords
from estudio.errors import (
    EnvironmentDiskFull,
    EnvironmentFailed,
    EnvironmentNotFound,
    InvalidDocument,
    PackagesUnresolvable,
    RegistryUnreachable,
)

Spec = Callable[..., EnvironmentSpec]
Writer = Callable[..., None]

pytestmark = pytest.mark.usefixtures("wheels")


def run(python: Path, source: str) -> str:
    command = [str(python), "-I", "-B", "-c", source]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def test_a_build_gives_an_environment_that_runs(store: EnvironmentStore, make_spec: Spec) -> None:
    told: list[str] = []
    built = store.build(make_spec("pandas<2"), told.append)
    assert run(built.python, "import pandas; print(pandas.__version__)") == "1.0"
    assert built.packages == {"numpy": "2.0", "pandas": "1.0"}
    assert built.version == sys.version_info[:3]
    assert built.base_prefix == Path(sys.base_prefix)
    assert built.preload == ("numpy", "pandas")
    assert built.folder in built.readonly_paths
    assert Path("/usr") not in built.readonly_paths
    assert built.size_bytes > 1_000
    assert told == ["resolving", "downloading 2 packages", "installed 2 packages", "compiling bytecode"]


def test_find_gives_what_was_built_and_starts_no_process(
    store: EnvironmentStore, make_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = store.build(make_spec())

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    again = EnvironmentStore(store.root)
    assert again.find(make_spec()) == built
    assert again.find(make_spec("pandas<2")) is None
    assert again.ensure(make_spec()) == built


def test_the_bytecode_is_there_and_survives_new_file_times(store: EnvironmentStore, make_spec: Spec) -> None:
    built = store.build(make_spec())
    source = next(built.folder.glob("lib/python*/site-packages/pandas/__init__.py"))
    compiled = next(source.parent.glob("__pycache__/__init__.*.pyc"))
    assert compiled.read_bytes()[4:8] == b"\x01\x00\x00\x00"  # PEP 552: by hash, unchecked
    assert not list(source.parent.glob("tests/__pycache__"))


def test_the_umask_of_the_builder_does_not_lock_the_sandbox_out(store: EnvironmentStore, make_spec: Spec) -> None:
    old = os.umask(0o077)
    try:
        built = store.build(make_spec())
    finally:
        os.umask(old)
    for path in [built.folder, *built.folder.rglob("*")]:
        if not path.is_symlink():
            wanted = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() else 0)
            assert path.stat().st_mode & wanted == wanted, path
            assert not path.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH), path


def test_the_name_is_no_part_of_the_digest_and_the_packages_are(store: EnvironmentStore, make_spec: Spec) -> None:
    first = store.build(make_spec(name="one"))
    second = store.build(make_spec(name="two"))
    other = store.build(make_spec("pandas", "numpy<2", name="two"))
    assert second.digest == first.digest != other.digest
    assert (first.name, second.name) == ("one", "two")
    assert other.packages == {"numpy": "1.0", "pandas": "1.0"}
    assert {built.digest for built in store.list()} == {first.digest, other.digest}


def test_another_version_of_the_interpreter_is_another_environment(make_spec: Spec) -> None:
    interpreter = interpreters.find_interpreter(">=3.11")
    newer = interpreters.interpreter_of_facts(
        {**interpreters.facts_of_interpreter(interpreter), "version": [*interpreter.version[:2], 99]}
    )
    assert newer is not None
    assert digest_of(make_spec(), interpreter) != digest_of(make_spec(), newer)


def test_a_lock_decides_the_versions(store: EnvironmentStore, make_spec: Spec) -> None:
    built = store.build(make_spec(lock="pandas==1.0\nnumpy==1.0\n"))
    assert built.packages == {"numpy": "1.0", "pandas": "1.0"}


def test_a_lock_whose_hash_is_another_files_builds_nothing(store: EnvironmentStore, make_spec: Spec) -> None:
    wrong = f"pandas==1.0 --hash=sha256:{'0' * 64}\nnumpy==1.0 --hash=sha256:{'0' * 64}\n"
    with pytest.raises(EnvironmentFailed, match="Hash mismatch"):
        store.build(make_spec(lock=wrong))
    assert store.list() == ()


def test_versions_are_resolved_once_and_kept_when_a_build_is_repeated(
    store: EnvironmentStore, make_spec: Spec, write_wheel: Writer
) -> None:
    def fail(words: str) -> None:
        if words == "compiling bytecode":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.build(make_spec(), fail)
    write_wheel("pandas", "3.0")
    assert store.build(make_spec()).packages["pandas"] == "2.0"


KILLED = """
import os, signal, sys
from pathlib import Path
from estudio.core.environment import parse_environment
from estudio.environments.builder import EnvironmentStore

def on_progress(words):
    if words.startswith(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

spec = parse_environment({"python": ">=3.11", "packages": ["pandas"]}, "mine")
EnvironmentStore(Path(sys.argv[1])).build(spec, on_progress)
"""


@pytest.mark.parametrize("moment", ["resolving", "downloading", "compiling"])
def test_a_build_killed_in_the_middle_looks_unbuilt_and_can_be_repeated(
    moment: str, store: EnvironmentStore, make_spec: Spec
) -> None:
    killed = subprocess.run([sys.executable, "-c", KILLED, str(store.root), moment], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(store.root.glob("environments/*/"))
    assert store.list() == ()
    assert store.find(make_spec()) is None
    built = store.build(make_spec())
    assert run(built.python, "import pandas; print(pandas.__version__)") == "2.0"


def test_an_environment_is_built_once_however_many_ask(store: EnvironmentStore, make_spec: Spec) -> None:
    told: list[list[str]] = [[] for _ in range(4)]
    results = []

    def ask(words: list[str]) -> None:
        results.append(EnvironmentStore(store.root).ensure(make_spec(), words.append))

    threads = [threading.Thread(target=ask, args=(words,)) for words in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert len({built.digest for built in results}) == 1
    assert sum("compiling bytecode" in words for words in told) == 1
    assert any(line.startswith("waiting for another process") for words in told for line in words)


ASKING = """
import sys
from pathlib import Path
from estudio.core.environment import parse_environment
from estudio.environments.builder import EnvironmentStore

spec = parse_environment({"python": ">=3.11", "packages": ["pandas"]}, "mine")
print(EnvironmentStore(Path(sys.argv[1])).ensure(spec, print).digest)
"""


def test_two_askingbuild_once_and_get_the_same(store: EnvironmentStore) -> None:
    command = [sys.executable, "-c", ASKING, str(store.root)]
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate()[0].splitlines() for process in asking]
    assert [process.returncode for process in asking] == [0, 0]
    assert outputs[0][-1] == outputs[1][-1]
    assert sum("compiling bytecode" in lines for lines in outputs) == 1


def test_what_cannot_be_resolved_is_named_with_the_reason(store: EnvironmentStore, make_spec: Spec) -> None:
    with pytest.raises(PackagesUnresolvable) as caught:
        store.build(make_spec("pandas==2.0", "numpy<2"))
    assert "pandas==2.0" in caught.value.message
    assert "numpy<2" in caught.value.message
    assert caught.value.message.endswith("Change the versions that are asked for.")
    assert not list(store.root.glob("environments/*/"))


def test_a_registry_that_does_not_answer_is_told_apart(
    store: EnvironmentStore, make_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_OFFLINE")
    monkeypatch.delenv("UV_FIND_LINKS")
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://user:secret@127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(RegistryUnreachable) as caught:
        store.build(make_spec())
    assert "the package registry does not answer" in caught.value.message
    assert "secret" not in caught.value.message


def test_offline_without_the_packages_in_the_cache_is_the_registrys_error(
    store: EnvironmentStore, make_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_FIND_LINKS")
    with pytest.raises(RegistryUnreachable):
        store.build(make_spec())


@pytest.mark.skipif(os.getuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, make_spec: Spec, write_wheel: Writer) -> None:
    write_wheel("pandas", "9.0", source="x = 1\n" * 1_000_000)
    small = tmp_path / "small"
    small.mkdir()
    if subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=3m", "none", str(small)], check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")
    try:
        store = EnvironmentStore(small)
        with pytest.raises(EnvironmentDiskFull, match="set ESTUDIO_HOME to a folder on a larger disk"):
            store.build(make_spec())
        assert not list(small.glob("environments/*/"))
    finally:
        subprocess.run(["/bin/umount", str(small)], check=True)


def test_variables_of_other_work_do_not_matter(
    store: EnvironmentStore, make_spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "CONDA_PREFIX", "UV_PYTHON", "UV_TARGET", "UV_PROJECT"):
        monkeypatch.setenv(name, "/nonexistent")
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    built = store.build(make_spec())
    assert list(built.folder.glob("lib/python*/site-packages/pandas/__pycache__/*.pyc"))


def test_remove_by_name_and_by_digest(store: EnvironmentStore, make_spec: Spec) -> None:
    built = store.build(make_spec())
    assert store.remove("mine") == (built,)
    assert store.find(make_spec()) is None
    assert not built.folder.exists()
    built = store.build(make_spec())
    assert store.remove(built.digest[:8]) == (built,)
    with pytest.raises(EnvironmentNotFound, match="none is built"):
        store.remove("mine")


def test_a_folder_that_was_moved_is_no_environment(store: EnvironmentStore, make_spec: Spec) -> None:
    built = store.build(make_spec())
    built.folder.rename(built.folder.with_name("elsewhere"))
    assert store.list() == ()
    assert store.find(make_spec()) is None


def test_resolve_knows_presets_files_and_built_names(store: EnvironmentStore, make_spec: Spec, tmp_path: Path) -> None:
    assert preset_names() == ["default"]
    default = store.resolve("default")
    assert {"pandas", "numpy", "scikit-learn", "pyarrow"} <= set(default.package_names)
    file = tmp_path / "old.toml"
    file.write_text('python = "3.11"\npackages = ["pandas==1.0"]\n')
    assert store.resolve(str(file)) == store.resolve(file)
    assert store.resolve(file).name == "old"
    file.with_suffix(".lock").write_text("pandas==1.0\nnumpy==1.0\n")
    assert store.resolve(file).lock == "pandas==1.0\nnumpy==1.0\n"
    spec = make_spec("pandas<2", name="earlier")
    store.build(spec)
    assert store.resolve("earlier") == spec


def test_resolve_names_what_is_near(store: EnvironmentStore, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentNotFound) as caught:
        store.resolve("defualt")
    assert caught.value.message == (
        "There is no environment 'defualt'; known are default, or name a TOML file. Did you mean 'default'?"
    )
    with pytest.raises(EnvironmentNotFound, match="There is no environment file"):
        store.resolve(tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("python = ")
    with pytest.raises(InvalidDocument, match="cannot be read"):
        store.resolve(broken)


def test_the_root_follows_the_variables() -> None:
    assert default_root({"ESTUDIO_HOME": "/data/e", "XDG_DATA_HOME": "/x"}) == Path("/data/e")
    assert default_root({"XDG_DATA_HOME": "/x"}) == Path("/x/estudio")
    assert default_root({"XDG_DATA_HOME": "relative"}) == Path.home() / ".local/share/estudio"


def test_records_that_are_broken_are_made_again(tmp_path: Path, make_spec: Spec) -> None:
    path = tmp_path / "interpreters.json"
    records = InterpreterRecords(path)
    requirement = make_spec().python
    found = records.find(requirement)
    assert records.recall(requirement) == found
    path.write_text("{")
    assert records.recall(requirement) is None
    assert records.find(requirement) == found


def test_only_what_leads_to_packages_is_inherited() -> None:
    inherited = {
        "PATH": "/bin", "HTTPS_PROXY": "p", "no_proxy": "n", "SSL_CERT_FILE": "c", "UV_DEFAULT_INDEX": "i",
        "UV_INDEX_CORP_PASSWORD": "w", "PIP_INDEX_URL": "j", "UV_SYSTEM_PYTHON": "1", "VIRTUAL_ENV": "v",
        "PYTHONPATH": "x", "LD_PRELOAD": "y", "UV_NO_BUILD": "1", "PIP_CONFIG_FILE": "/dev/null",
    }  # fmt: skip
    assert sorted(processes.clean_variables(inherited=inherited)) == [
        "HTTPS_PROXY", "PATH", "PIP_CONFIG_FILE", "PIP_INDEX_URL", "SSL_CERT_FILE", "UV_DEFAULT_INDEX",
        "UV_INDEX_CORP_PASSWORD", "no_proxy",
    ]  # fmt: skip


def test_the_built_in_lock_holds_every_package_with_hashes_and_no_address(store: EnvironmentStore) -> None:
    spec = store.resolve("default")
    locked = check_lock(spec, "default")
    assert all(package.hashed for package in locked)
    assert "://" not in spec.lock
    assert "index" not in spec.lock
