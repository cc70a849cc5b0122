"""Attempts to pass something from one call to a later one, or between two at the same time."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from estudio.modules.warm_pools import ScriptEnvironment
from estudio.tables.table import Table

from .attacking import Sandbox, pids_named, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.environments.built import BuiltEnvironment

LEFT = {
    "a file in the working folder": ("open('left', 'w').write('x')", "open('left')"),
    "a file in the temporary folder": (
        "open(os.environ['TMPDIR'] + '/left', 'w')",
        "open(os.environ['TMPDIR'] + '/left')",
    ),
    "a file in the home folder": ("open(os.path.expanduser('~/left'), 'w')", "open(os.path.expanduser('~/left'))"),
    "a file in shared memory": ("open('/dev/shm/left', 'w')", "open('/dev/shm/left')"),
    "a named shared memory": (
        "import _posixshmem as m; m.shm_open('/left', os.O_CREAT, 0o600)",
        "import _posixshmem as m; m.shm_open('/left', 0, 0)",
    ),
    "a planted module": ("open('planted.py', 'w').write('x = 1')", "import planted"),
    "a module that shadows one": ("open('colorsys.py', 'w').write('left = 1')", "import colorsys; colorsys.left"),
    "a site customisation": (
        "os.makedirs('/box/home/.local/lib'); open('/box/home/.local/lib/usercustomize.py', 'w')",
        "open('/box/home/.local/lib/usercustomize.py')",
    ),
    "a changed library": ("import pandas; pandas.DataFrame.left = 1", "import pandas; pandas.DataFrame.left"),
    "a changed builtin": ("import builtins; builtins.left = 1", "left"),
    "an entry among the modules": ("sys.modules['left'] = sys", "import left"),
    "a search path": ("sys.path.insert(0, '/left')", "sys.path.index('/left')"),
    "an import hook": ("sys.meta_path.append('left')", "sys.meta_path.index('left')"),
    "a variable of the environment": ("os.environ['LEFT'] = '1'", "os.environ['LEFT']"),
    "a variable that C code sees": ("os.putenv('LEFT', '1')", "[1][LIBC.getenv(b'LEFT') == 0]"),
    "a signal handler": (
        "import signal; signal.signal(10, signal.SIG_IGN)",
        "import signal; {signal.SIG_IGN: 1}[signal.getsignal(10)]",
    ),
    "a timer": (
        "import signal; signal.setitimer(signal.ITIMER_REAL, 1000)",
        "import signal; [1][signal.getitimer(signal.ITIMER_REAL)[0] == 0]",
    ),
    "a blocked signal": (
        "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [10])",
        "import signal; list(signal.pthread_sigmask(signal.SIG_BLOCK, [])).index(10)",
    ),
    "a mask for new files": ("os.umask(0o123)", "{0o123: 1}[os.umask(0)]"),
    "a lowered limit": (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (99, 99))",
        "import resource; {99: 1}[resource.getrlimit(resource.RLIMIT_NOFILE)[0]]",
    ),
    "a working folder": ("os.chdir('/box/tmp')", "{'/box/tmp': 1}[os.getcwd()]"),
    "a deeper recursion": ("sys.setrecursionlimit(7777)", "{7777: 1}[sys.getrecursionlimit()]"),
    "a locale": (
        "import locale; locale.setlocale(locale.LC_ALL, 'C')",
        "import locale; {'C': 1}[locale.setlocale(locale.LC_ALL)]",
    ),
    "a time zone": ("os.environ['TZ'] = 'Asia/Tokyo'; time.tzset()", "{'JST': 1}[time.tzname[0]]"),
    "an exit handler": ("import atexit; atexit.register(print, 'left')", "pass"),
    "a process name": (
        "syscall('prctl', 15, ctypes.c_char_p(b'left'))",
        "n = ctypes.create_string_buffer(16); syscall('prctl', 16, n); {b'left': 1}[n.value]",
    ),
    "an option of a library": (
        "import pandas; pandas.set_option('display.max_rows', 7)",
        "import pandas; {7: 1}[pandas.get_option('display.max_rows')]",
    ),
    "a warning filter": (
        "import warnings; warnings.filterwarnings('error', 'left')",
        "import warnings; [f for f in warnings.filters if f[1] and f[1].pattern == 'left'][0]",
    ),
    "a trace function": ("sys.setprofile(lambda *_: None)", "[1][sys.getprofile() is None]"),
}
GONE = {
    "NameError",
    "KeyError",
    "IndexError",
    "AttributeError",
    "ModuleNotFoundError",
    "FileNotFoundError",
    "ValueError",
}


@pytest.mark.parametrize("what", LEFT)
def test_something_is_left_for_the_next_call(walled: Sandbox, what: str) -> None:
    """Within the call it is there: that is the control. In the next one it is not."""
    leave, find = LEFT[what]
    assert walled.attack(f"{leave}\n{find}\nreturn 1").done
    told = walled.attack(f"{find}\nreturn 1")
    if what == "an exit handler":
        assert "left" not in told.outcome.log
        return
    assert told.error in GONE, told


RANDOM = {
    "Python's generator": "import random; return random.random()",
    "numpy's old generator": "import numpy; return numpy.random.rand(3).tolist()",
    "numpy's new generator": "import numpy; return numpy.random.default_rng().random()",
    "samples of a table": "import pandas; return pandas.DataFrame({'a': range(10**6)}).sample(4)['a'].tolist()",
    "random identifiers": "import uuid; return str(uuid.uuid4())",
    "identifiers by time": "import uuid; return str(uuid.uuid1())",
    "secrets": "import secrets; return secrets.token_hex()",
    "OpenSSL's generator": "import ssl; return ssl.RAND_bytes(16).hex()",
    "temporary names": "import tempfile; return tempfile.mktemp()",
    "the kernel's generator": "return os.urandom(9).hex()",
}


@pytest.mark.parametrize("what", RANDOM)
def test_random_numbers_are_foreseen(used_generators: Sandbox, what: str) -> None:
    """Four calls of one zygote that has used each generator itself, before it forked: no two are the same."""
    drawn = [str(used_generators.attack(RANDOM[what]).evidence) for _ in range(4)]
    assert len(set(drawn)) == 4
    assert "None" not in drawn


@pytest.fixture(scope="module")
def used_generators(
    environment: ScriptEnvironment, built: BuiltEnvironment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """A zygote whose packages have drawn random numbers, as some do when they are imported."""
    folder = tmp_path_factory.mktemp("drawing")
    library = Path("lib", f"python{built.version[0]}.{built.version[1]}", "site-packages")
    interpreter = built.python.resolve()
    folder.chmod(0o755)
    (folder / "bin").mkdir()
    (folder / "bin" / "python").symlink_to(interpreter)
    (folder / "pyvenv.cfg").write_text(f"home = {interpreter.parent}\n")
    (folder / library).mkdir(parents=True)
    (folder / library / "packages.pth").write_text(f"{built.folder / library}\n")
    (folder / library / "drawing.py").write_text(
        "import numpy, random, secrets, ssl, tempfile, uuid\n"
        "ssl.RAND_bytes(8), uuid.uuid1(), uuid.uuid4(), random.random(), numpy.random.rand(), secrets.token_hex()\n"
        "next(tempfile._get_candidate_names())\n"
    )
    python = str(folder / "bin" / "python")
    preload = (*environment.preload, "drawing")
    sandbox = Sandbox(ScriptEnvironment(python, (*environment.readonly, str(folder)), preload))
    yield sandbox
    sandbox.close()


@pytest.mark.parametrize("what", ["Python's generator", "numpy's old generator", "samples of a table"])
def test_a_seed_repeats_its_results_everywhere(walled: Sandbox, environment: ScriptEnvironment, what: str) -> None:
    """In another call, and in another zygote."""
    act = RANDOM[what]
    other = Sandbox(environment, ahead=0)
    try:
        told = {str(sandbox.attack(act, seed=seed).evidence) for sandbox in (walled, walled, other) for seed in (7,)}
        assert len(told) == 1
        assert str(walled.attack(act, seed=8).evidence) not in told
    finally:
        other.close()


def test_a_dataset_carries_a_message(walled: Sandbox) -> None:
    """Both calls are given the same table: neither its position nor its flags pass from one to the other.

    A lock ends with the guest that holds it, which may be a moment after its answer (see SECURITY.md on locks).
    """
    table = Table.from_arrow(pa.table({"a": list(range(100_000))}))
    act = """
        import fcntl, time

        def lock(kind):
            for _ in range(500):
                try:
                    return fcntl.flock(number, kind | fcntl.LOCK_NB)
                except BlockingIOError:
                    time.sleep(0.01)
            fcntl.flock(number, kind | fcntl.LOCK_NB)

        number = [n for n in descriptors('file') if not fcntl.fcntl(n, fcntl.F_GETFL) & os.O_RDWR][0]
        found = [os.lseek(number, 0, os.SEEK_CUR), fcntl.fcntl(number, fcntl.F_GETFL) & (os.O_NONBLOCK | os.O_APPEND)]
        lock(fcntl.LOCK_SH)
        os.lseek(number, 77, os.SEEK_SET)
        fcntl.fcntl(number, fcntl.F_SETFL, os.O_NONBLOCK | os.O_APPEND)
        lock(fcntl.LOCK_EX)
        return found + [os.lseek(number, 0, os.SEEK_CUR)]
    """
    for _ in range(3):
        assert walled.attack(act, tables=(table,)).evidence == [0, 0, 77]


def test_two_calls_at_once_meet_in_a_folder(walled: Sandbox) -> None:
    name = f"meeting-{os.getpid() % 10_000}"
    act = """
        open('/box/shm/meet', 'w')
        syscall('prctl', 15, ctypes.c_char_p(given['name'].encode()))
        time.sleep(1)
        return 1
    """
    first = threading.Thread(target=walled.attack, args=(act, {"name": name}))
    first.start()
    wait_for(lambda: pids_named(name))
    told = walled.attack("return [os.path.exists('/box/shm/meet'), os.listdir('/box/shm'), os.listdir('/box/tmp')]")
    first.join()
    assert told.evidence == [False, [], []]


def test_one_call_starves_another_of_processes(walled: Sandbox) -> None:
    """Each has a share of its own, where the machine gives process control groups."""
    if "process-cgroup" not in walled.executor.pools.isolation.walls:
        pytest.skip("without a process control group the share is common to all calls of a zygote: SECURITY.md says so")
    name = f"bomb-{os.getpid() % 10_000}"
    act = """
        count = 0
        try:
            while True:
                if os.fork() == 0:
                    time.sleep(60)
                    os._exit(0)
                count += 1
        except OSError:
            syscall('prctl', 15, ctypes.c_char_p(given['name'].encode()))
            time.sleep(1.5)
        return count
    """
    counted: list[Any] = []
    bomb = threading.Thread(target=lambda: counted.append(walled.attack(act, {"name": name}).evidence))
    bomb.start()
    wait_for(lambda: pids_named(name))
    told = walled.attack("return in_child(lambda: None)")
    bomb.join()
    assert told.evidence == 0
    assert counted == [walled.limits.processes - 1]


def test_a_call_finds_its_folders_empty(walled: Sandbox) -> None:
    places = ("/box/work", "/box/tmp", "/box/shm", "/box/work/Script Bundle", "/box/home")
    told = walled.attack(f"return [sorted(os.listdir(place)) for place in {places}]")
    assert told.evidence == [["Script Bundle", "azuremod.py"], [], [], [], []]
