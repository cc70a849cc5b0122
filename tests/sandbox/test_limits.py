"""Attempts to take more than a call's share: memory, time, processes, descriptors, disk, log, output."""

from __future__ import annotations

import resource
import textwrap
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from estudio.core.limits import MIB
from estudio.core.outcome import ScriptState

from .attacking import LIMITS, Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable

MEMORY = replace(LIMITS, memory_bytes=256 * MIB)
SHORT = replace(LIMITS, timeout_seconds=1.0)
SCRIPT = "import os, sys, time, mmap, ctypes\n{0}\ndef azureml_main():\n    return None\n"


def script(code: str) -> str:
    """A script of these lines."""
    return SCRIPT.format(textwrap.dedent(code))


HOGS = {
    "bytes": "kept = [b'x' * (64 << 20) for _ in range({0} // 64)]",
    "a table": "import numpy; kept = [numpy.ones(8 << 20) for _ in range({0} // 64)]",
    "private maps": """
        kept = [mmap.mmap(-1, 64 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) for _ in range({0} // 64)]
        for each in kept:
            each.write(b'x' * (64 << 20))
        """,
    "shared maps": """
        kept = []
        for _ in range({0} // 64):
            kept.append(mmap.mmap(-1, 64 << 20, mmap.MAP_SHARED | mmap.MAP_ANONYMOUS))
            kept[-1].write(b'x' * (64 << 20))
        """,
    "files in memory": """
        for number in range({0} // 16):
            open('/box/shm/f%d' % number, 'wb').write(b'x' * (16 << 20))
        """,
    "the result file": """
        for number in range(3, 99):
            try:
                size = os.fstat(number).st_size
            except OSError:
                continue
            if size:
                for at in range(0, {0} << 20, 16 << 20):
                    os.pwrite(number, b'x' * (16 << 20), at)
        """,
    "children": """
        for _ in range({0} // 64):
            if os.fork() == 0:
                kept = b'x' * (64 << 20)
                time.sleep(1)
                os._exit(0)
        for _ in range({0} // 64):
            assert os.wait()[1] == 0, 'the kernel ended a child'
        """,
    "pipes": """
        import fcntl
        for _ in range({0}):
            end, start = os.pipe()
            fcntl.fcntl(start, 1031, 1 << 20)
            os.set_blocking(start, False)
            try:
                while True:
                    os.write(start, b'x' * 65536)
            except BlockingIOError:
                pass
        """,
}
COUNTED_BY_GROUP_ALONE = {"shared maps", "files in memory", "children", "pipes", "the result file"}
ENDS = {ScriptState.OUT_OF_MEMORY, ScriptState.FAILED, ScriptState.KILLED}


@pytest.mark.parametrize("kind", HOGS)
def test_more_memory_is_taken_than_allowed(walled: Sandbox, kind: str) -> None:
    """Twice the limit ends the call, by the kernel or by the interpreter; a quarter of it does not."""
    if kind in COUNTED_BY_GROUP_ALONE and "memory-cgroup" not in walled.executor.pools.isolation.walls:
        pytest.skip("without a memory control group only each process's address space is bounded: SECURITY.md says so")
    limits = replace(MEMORY, disk_bytes=2048 * MIB, output_bytes=2048 * MIB)
    small, large = ("32", "2000") if kind == "pipes" else ("64", "768")
    assert walled.run(script(HOGS[kind].replace("{0}", small)), limits=limits).finished
    outcome = walled.run(script(HOGS[kind].replace("{0}", large)), limits=limits)
    assert outcome.state in ENDS, outcome
    if kind not in {"pipes", "children"}:
        assert outcome.state is ScriptState.OUT_OF_MEMORY, (outcome.error, outcome.log)
    assert walled.attack("return 1").done


LOOPS = {
    "Python": "while True: pass",
    "sleep": "time.sleep(1000)",
    "C": "import re; re.match('(a*)*b', 'a' * 64)",
    "deaf to signals": """
        import signal
        for number in set(range(1, 32)) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        time.sleep(1000)
        """,
    "stopped": """
        import signal
        if os.fork():
            os.wait()
        os.kill(os.getpid(), signal.SIGSTOP)
        """,
    "another thread": "import threading; threading.Thread(target=time.sleep, args=(1000,)).start(); time.sleep(1000)",
    "closed streams": "os.close(1); os.close(2); time.sleep(1000)",
    "an endless end": """
        class Endless:
            def __del__(self):
                while True:
                    pass
        Endless()
        """,
    "at exit": "import atexit; atexit.register(time.sleep, 1000); time.sleep(1000)",
    "a swallowed interrupt": """
        while True:
            try:
                time.sleep(1)
            except BaseException:
                pass
        """,
}


@pytest.mark.parametrize("kind", LOOPS)
def test_a_call_does_not_end(walled: Sandbox, kind: str) -> None:
    limits = replace(LIMITS, timeout_seconds=0.5)
    begin = time.monotonic()
    outcome = walled.run(script(LOOPS[kind]), limits=limits)
    assert outcome.state is ScriptState.TIMED_OUT, (outcome.error, outcome.log)
    assert time.monotonic() - begin < 10
    assert walled.run(SCRIPT.format(""), limits=limits).finished, "the control: the time is enough for an honest script"


def test_more_processor_time_is_taken_than_wall_time(walled: Sandbox) -> None:
    """A child that outlives the deadline of its call is gone with it; RLIMIT_CPU is there for both."""
    told = walled.attack("import resource; return resource.getrlimit(resource.RLIMIT_CPU)")
    assert 0 < told.evidence[1] < 10_000


def test_processes_are_forked_without_end(walled: Sandbox) -> None:
    outcome = walled.run(
        SCRIPT.format("while True:\n    try:\n        os.fork()\n    except OSError:\n        pass"), limits=SHORT
    )
    assert outcome.state is ScriptState.TIMED_OUT
    assert walled.attack("return in_child(lambda: None)").evidence == 0


def test_threads_are_started_without_end(walled: Sandbox) -> None:
    told = walled.attack("""
        import threading
        threading.stack_size(64 << 10)
        count = 0
        try:
            while True:
                threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
                count += 1
        except RuntimeError:
            return count
    """)
    assert told.evidence == LIMITS.processes - 1


def test_descriptors_are_opened_without_end(walled: Sandbox) -> None:
    told = walled.attack("""
        kept = []
        try:
            while True:
                kept.append(os.open('/dev/null', 0))
        except OSError as error:
            number = error.errno
        for each in kept:
            os.close(each)
        return [len(kept), number]
    """)
    assert told.evidence[1] == 24
    assert 900 < told.evidence[0] < 1024


FILL = """
    total = 0
    for name in ('/box/work/a', '/box/work/Script Bundle/b', '/box/tmp/c', '/box/home/d', '/dev/shm/e'):
        try:
            with open(name, 'wb', buffering=0) as stream:
                while total < (1 << 30):
                    total += stream.write(b'x' * 65536)
        except OSError as error:
            number = error.errno
    return [total, number]
"""


def test_the_disk_is_filled(walled: Sandbox) -> None:
    """All writable folders together hold no more than the limit; another call's are not touched."""
    total, number = walled.attack(FILL).evidence
    assert number == 28
    assert 0.9 * LIMITS.disk_bytes < total <= LIMITS.disk_bytes
    larger = replace(LIMITS, disk_bytes=2 * LIMITS.disk_bytes)
    assert walled.attack(FILL, limits=larger).evidence[0] > LIMITS.disk_bytes


def test_the_disk_is_filled_with_empty_files(walled: Sandbox) -> None:
    told = walled.attack("""
        os.mkdir('many')
        try:
            for number in range(200000):
                os.close(os.open('many/%d' % number, os.O_CREAT))
        except OSError as error:
            return [number, error.errno]
    """)
    assert told.evidence[1] == 28
    assert told.evidence[0] < 70_000


@pytest.mark.parametrize(
    "act",
    [
        "os.truncate(open('x', 'w').name, 1 << 50)",
        "os.posix_fallocate(os.open('x', 0o102), 0, 1 << 40)",
        "os.pwrite(os.open('x', 0o102), b'x', 1 << 40)",
    ],
)
def test_a_file_is_made_larger_than_the_disk(walled: Sandbox, act: str) -> None:
    told = walled.attack(f"{act}; return 1")
    assert told.number in (27, 28) or told.error.startswith("killed"), told
    assert walled.attack("return 1").done


FLOODS = {
    "lines": "for _ in range(10**9):\n    print('x' * 1000)",
    "one line": "while True:\n    os.write(1, b'x' * 65536)",
    "errors": "while True:\n    os.write(2, b'x' * 65536)",
    "from a child": "if os.fork() == 0:\n    while True:\n        os.write(1, b'x' * 65536)\ntime.sleep(60)",
    "from many threads": (
        "import threading\ndef flood():\n    while True:\n        os.write(1, b'x' * 65536)\n"
        "for _ in range(8):\n    threading.Thread(target=flood).start()\ntime.sleep(60)"
    ),
}


@pytest.mark.parametrize("kind", FLOODS)
def test_the_log_is_flooded(walled: Sandbox, kind: str) -> None:
    limits = replace(LIMITS, log_bytes=1 * MIB)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = walled.run(SCRIPT.format(FLOODS[kind]), limits=limits)
    assert outcome.state is ScriptState.OUTPUT_TOO_LARGE
    assert len(outcome.log.encode()) <= limits.log_bytes
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024


@pytest.mark.parametrize(
    ("written", "log"),
    [
        (rb"\xff\xfe\x80abc", "\ufffd\ufffd\ufffdabc"),
        (rb"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (rb"a\x00b", "a\x00b"),
        (rb"\xe2\x82", "\ufffd"),
    ],
)
def test_the_log_is_no_text(walled: Sandbox, written: bytes, log: str) -> None:
    """The log is always a text; what it says is the script's: whoever shows it escapes control characters."""
    outcome = walled.run(SCRIPT.format(f"os.write(1, b'{written.decode()}')"))
    assert outcome.finished
    assert outcome.log.startswith(log)
    outcome.log.encode()


def test_the_log_is_written_after_the_result(walled: Sandbox) -> None:
    """A child that floods the log while its parent answers makes nobody wait."""
    script = "if os.fork() == 0:\n    os.setsid()\n    while True:\n        os.write(1, b'x' * 4096)"
    begin = time.monotonic()
    outcome = walled.run(SCRIPT.format(script), limits=replace(LIMITS, log_bytes=4 * MIB))
    assert outcome.state in {ScriptState.FINISHED, ScriptState.OUTPUT_TOO_LARGE}
    assert len(outcome.log) <= 4 * MIB
    assert time.monotonic() - begin < 10


def test_the_result_is_larger_than_allowed(walled: Sandbox) -> None:
    script = "import numpy, pandas\ndef azureml_main():\n    return pandas.DataFrame({{'a': numpy.random.rand({0})}})"
    limits = replace(LIMITS, output_bytes=1 * MIB)
    assert walled.run(script.format(100_000), limits=limits).finished
    outcome = walled.run(script.format(200_000), limits=limits)
    assert outcome.state is ScriptState.OUTPUT_TOO_LARGE


def test_the_stack_is_used_up(walled: Sandbox) -> None:
    outcome = walled.run("""
        import sys
        sys.setrecursionlimit(10**9)
        def azureml_main():
            return repr(deep(None))
        def deep(inner):
            for _ in range(10**6):
                inner = [inner]
            return inner
    """)
    assert outcome.state in {ScriptState.KILLED, ScriptState.FAILED, ScriptState.OUT_OF_MEMORY}
    assert walled.attack("return 1").done


def test_timers_and_pending_signals_are_piled_up(walled: Sandbox) -> None:
    """Bounded by the kernel for the user; the next call has them again."""
    outcome = walled.run(
        SCRIPT.format("""
libc = ctypes.CDLL(None)
timer = ctypes.c_void_p()
for number in range(200000):
    if libc.timer_create(1, None, ctypes.byref(timer)):
        break
""")
    )
    assert outcome.state in {ScriptState.FINISHED, ScriptState.OUT_OF_MEMORY}
    honest = script("assert ctypes.CDLL(None).timer_create(1, None, ctypes.byref(ctypes.c_void_p())) == 0")
    end = time.monotonic() + 10
    while not walled.run(honest).finished:  # the guest that was killed gives them back when it has ended
        assert time.monotonic() < end


BOMB = """
    import io, zipfile, pandas
    data = io.BytesIO()
    with zipfile.ZipFile(data, 'w', zipfile.ZIP_DEFLATED) as archive:
        with archive.open('x.csv', 'w') as stream:
            for _ in range({0}):
                stream.write(b'1,2\\n' * (1 << 18))
    data.seek(0)
    return len(pandas.read_csv(data, compression='zip'))
"""


def test_a_small_zip_is_read_into_a_large_table(walled: Sandbox) -> None:
    assert walled.attack(BOMB.format(2), limits=MEMORY).done
    told = walled.attack(BOMB.format(200), limits=MEMORY)
    assert not told.done
    assert walled.attack("return 1").done


def test_the_limits_are_what_stops_it(unwalled: Callable[[frozenset[str]], Sandbox]) -> None:
    """The control of this file: without the resource limits a process may open more than they allow."""
    sandbox = unwalled(frozenset({"resource-limits"}))
    told = sandbox.attack(
        "import resource; return resource.getrlimit(resource.RLIMIT_CORE) + resource.getrlimit(resource.RLIMIT_NOFILE)"
    )
    assert told.evidence[1] != 0 or told.evidence[3] != 1024


"""Soft and hard, of core dumps and of open files."""
