"""Every way in which a call can end, reached for real; after each, the next call is clean and the host unharmed."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.core.limits import MIB
from estudio.core.outcome import ScriptState
from estudio.errors import EnvironmentFailed, EstudioError, InvalidUsage
from estudio.sandbox.doctor import examine_machine

from .attacking import FULL, LIMITS, Sandbox, pids_named, wait_for

if TYPE_CHECKING:
    from estudio.modules.warm_pools import ScriptEnvironment

SCRIPT = "import os, sys, time, signal, ctypes\n{0}\ndef azureml_main():\n    return None\n"
QUICK = replace(LIMITS, timeout_seconds=15.0, memory_bytes=256 * MIB, log_bytes=1 * MIB, output_bytes=1 * MIB)
ENDINGS: dict[str, tuple[str, ScriptState, str]] = {
    "it returns": ("", ScriptState.FINISHED, ""),
    "it raises": ("1 / 0", ScriptState.FAILED, "script-raised"),
    "it does not compile": ("def (", ScriptState.FAILED, "syntax-error"),
    "it exits": ("sys.exit(3)", ScriptState.FAILED, "script-exited"),
    "it exits at once": ("os._exit(0)", ScriptState.FAILED, "process-died"),
    "it exits as our own code would": ("os._exit(70)", ScriptState.FAILED, "process-died"),
    "it exits as a guest that was not confined": ("os._exit(71)", ScriptState.FAILED, "process-died"),
    "it crashes": ("ctypes.string_at(0)", ScriptState.KILLED, "process-died"),
    "it jumps into nowhere": ("ctypes.CFUNCTYPE(None)(16)()", ScriptState.KILLED, "process-died"),
    "it overwrites the interpreter": ("ctypes.memset(id(None), 0, 64); repr(None)", ScriptState.KILLED, "process-died"),
    "it aborts": ("os.abort()", ScriptState.KILLED, "process-died"),
    "it makes a forbidden call": (
        "signal.raise_signal(signal.SIGSEGV); ctypes.CDLL(None).syscall(-1); ctypes.string_at(0)",
        ScriptState.KILLED,
        "process-died",
    ),
    "it runs too long": ("time.sleep(60)", ScriptState.TIMED_OUT, "timed-out"),
    "it takes too much memory": (
        "x = []\nwhile True: x.append(b'x' * (16 << 20))",
        ScriptState.OUT_OF_MEMORY,
        "out-of-memory",
    ),
    "it raises MemoryError": ("raise MemoryError", ScriptState.OUT_OF_MEMORY, "out-of-memory"),
    "it prints too much": ("while True: print('x' * 9999)", ScriptState.OUTPUT_TOO_LARGE, "output-too-large"),
    "it raises what cannot be shown": (
        "class E(Exception):\n    def __str__(self): raise self\n    __repr__ = __str__\nraise E()",
        ScriptState.FAILED,
        "script-raised",
    ),
    "it breaks the json module": ("import json; json.dumps = None; sys.modules['json'] = None", ScriptState.FAILED, ""),
    "it breaks the builtins": (
        "import builtins; builtins.len = None; builtins.isinstance = None",
        ScriptState.FAILED,
        "",
    ),
    "it breaks the operating system's module": ("os.write = os.read = os.close = None", ScriptState.FAILED, ""),
    "it clears every module": ("sys.modules.clear()", ScriptState.FAILED, ""),
    "it closes everything": ("os.closerange(0, 1024)", ScriptState.KILLED, ""),
    "it forks and both return": ("os.fork()", ScriptState.FINISHED, ""),
}


@pytest.mark.parametrize("how", ENDINGS)
def test_a_call_ends_badly(walled: Sandbox, how: str) -> None:
    """The host raises nothing, and the next call is what it always is."""
    source, state, code = ENDINGS[how]
    seconds = 0.5 if state is ScriptState.TIMED_OUT else QUICK.timeout_seconds
    outcome = walled.run(SCRIPT.format(source), limits=replace(QUICK, timeout_seconds=seconds))
    anything = {ScriptState.FAILED, ScriptState.KILLED, ScriptState.FINISHED}
    assert outcome.state in ({state} if code or state is ScriptState.TIMED_OUT else anything), (
        outcome.error,
        outcome.log,
    )
    if code:
        assert outcome.error is not None
        assert outcome.error.code == code
    clean = walled.attack("return [sorted(os.listdir('.')), len([1])]")
    assert clean.evidence == [["Script Bundle", "azuremod.py"], 1]


def test_every_state_is_reached_here() -> None:
    reached = {state for _, state, _ in ENDINGS.values()} | {ScriptState.CANCELLED}
    assert reached == set(ScriptState)


def test_a_call_is_cancelled(environment: ScriptEnvironment) -> None:
    sandbox = Sandbox(environment, ahead=0)
    name = f"cancel-{os.getpid() % 10_000}"
    states: list[str] = []
    act = f"syscall('prctl', 15, ctypes.c_char_p({name.encode()!r})); time.sleep(60)"
    call = threading.Thread(target=lambda: states.append(sandbox.attack(act).outcome.state.value))
    call.start()
    wait_for(lambda: pids_named(name))
    sandbox.close()
    call.join()
    assert states == ["cancelled"]
    assert pids_named(name) == []


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_the_zygote_is_killed(environment: ScriptEnvironment, ahead: int) -> None:
    """The machine may do that, for its memory: the next call has a new zygote, however often."""
    sandbox = Sandbox(environment, ahead=ahead)
    try:
        assert sandbox.attack("return 1").done
        (pool,) = sandbox.executor.pools._pools.values()
        for number in range(2):
            os.kill(pool._zygote._process.pid, signal.SIGKILL)
            time.sleep(0.2)
            pool._asked.clear()
            assert sandbox.attack(f"return {number}").evidence == number
    finally:
        sandbox.close()


def test_a_zygote_that_did_not_start_is_tried_again(environment: ScriptEnvironment) -> None:
    """And the reason is the same each time, not that it is gone."""
    sandbox = Sandbox(replace(environment, preload=("no_such_package",)), ahead=1)
    try:
        for _ in range(2):
            with pytest.raises(EnvironmentFailed, match="no_such_package"):
                sandbox.attack("return 1")
    finally:
        sandbox.close()


@pytest.mark.parametrize("room", range(6))
def test_the_host_has_no_descriptors_left(environment: ScriptEnvironment, room: int) -> None:
    """For a moment: a call fails with an error at whatever place, loses no descriptor, and the next one goes on."""
    sandbox = Sandbox(environment, ahead=1)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    taken: list[int] = []
    try:
        assert sandbox.attack("return 1").done
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        with contextlib.suppress(OSError):
            while True:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        for _ in range(room):
            os.close(taken.pop())
        with contextlib.suppress(EstudioError, OSError):
            sandbox.attack("return 1")
        gc.collect()  # a socket that was forgotten warns here, and a warning is an error
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert sandbox.attack("return 2").evidence == 2
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for descriptor in taken:
            os.close(descriptor)
        sandbox.close()


def test_the_host_has_no_room_for_a_result(walled: Sandbox) -> None:
    """Its guest has been taken by then: it is ended and let go, and the next call goes on."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
        with pytest.raises(OSError, match="File too large"):
            walled.attack("return 1")
        gc.collect()  # as above
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert walled.attack("return 2").evidence == 2


def test_less_memory_is_given_than_a_guest_holds(walled: Sandbox) -> None:
    if "memory-cgroup" not in walled.executor.pools.isolation.walls:
        pytest.skip("without a memory control group a limit counts from what the guest has")
    with pytest.raises(InvalidUsage, match="memory_bytes"):
        walled.run(SCRIPT.format(""), limits=replace(LIMITS, memory_bytes=65536))
    assert walled.attack("return 1").done


def test_many_calls_end_badly_at_once(walled: Sandbox) -> None:
    """Eight callers, each with another ending: each gets its own."""
    sources = ["1 / 0", "os._exit(1)", "ctypes.string_at(0)", "time.sleep(60)", "", "sys.exit(1)", "os.abort()", ""]
    states: dict[int, ScriptState] = {}

    def run(number: int) -> None:
        states[number] = walled.run(SCRIPT.format(sources[number]), limits=replace(QUICK, timeout_seconds=5.0)).state

    callers = [threading.Thread(target=run, args=(number,)) for number in range(len(sources))]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    failed, killed, finished = ScriptState.FAILED, ScriptState.KILLED, ScriptState.FINISHED
    assert [states[n] for n in range(8)] == [
        failed,
        failed,
        killed,
        ScriptState.TIMED_OUT,
        finished,
        failed,
        killed,
        finished,
    ]


def test_the_host_is_gone(environment: ScriptEnvironment) -> None:
    """A host that is killed takes its zygotes and guests with it: nobody else would end them."""
    import json
    import subprocess
    import sys
    from dataclasses import asdict

    name = f"orphan-{os.getpid() % 10_000}"
    code = (
        "import json, sys\n"
        "from tests.sandbox.attacking import Sandbox, ScriptEnvironment\n"
        "facts = {k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(sys.argv[1]).items()}\n"
        f"act = \"syscall('prctl', 15, ctypes.c_char_p(b'{name}')); time.sleep(60)\"\n"
        "Sandbox(ScriptEnvironment(**facts)).attack(act)\n"
    )
    root = Path(__file__).parents[2]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    with subprocess.Popen([sys.executable, "-c", code, json.dumps(asdict(environment))], env=variables) as host:
        wait_for(lambda: pids_named(name), 60)
        host.kill()
    end = time.monotonic() + 5
    while pids_named(name):
        assert time.monotonic() < end, "a guest outlived its host"
        time.sleep(0.02)


# --- a machine that gives no walls -----------------------------------------------------------------------------------

REFUSED = """
import ctypes, os, struct, sys
program = b"".join(struct.pack("=HBBI", *line) for line in (
    (0x20, 0, 0, 0), (0x15, 0, 1, {number}), (0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)))
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.prctl(22, 2, ctypes.byref(Program(4, program)), 0, 0) == 0
"""
"""As containers do it: one system call answers EPERM, for this process and all that it starts."""
ASK = """
import json
from estudio.sandbox.doctor import examine_machine
from estudio.errors import SandboxUnavailable
from tests.sandbox.attacking import Sandbox, ScriptEnvironment
report = examine_machine()
facts = {{k: tuple(v) if isinstance(v, list) else v for k, v in json.loads(sys.argv[1]).items()}}
sandbox = Sandbox(ScriptEnvironment(**facts))
try:
    sandbox.attack("return 1")
    refusal = None
except SandboxUnavailable as error:
    refusal = error.facts.get("wall") or error.message
print(json.dumps([report.level, [w.name for w in report.walls if w.required and not w.stands],
                  [w.remedy for w in report.walls if w.required and not w.stands], refusal]))
"""


@pytest.mark.parametrize(
    ("call", "wall"),
    [
        ("unshare", "user"),
        ("mount", "mount"),
        ("landlock_create_ruleset", "landlock"),
        ("capset", "capabilities"),
        ("pivot_root", "mount"),
    ],
)
def test_a_wall_that_cannot_be_built_is_left_out(environment: ScriptEnvironment, call: str, wall: str) -> None:
    """estudio refuses to run, and the doctor names the wall: it never runs with less than was asked."""
    import json
    import subprocess
    import sys
    from dataclasses import asdict

    numbers = {"unshare": 272, "mount": 165, "landlock_create_ruleset": 444, "capset": 126, "pivot_root": 155}
    if os.uname().machine != "x86_64":
        numbers = {"unshare": 97, "mount": 40, "landlock_create_ruleset": 444, "capset": 91, "pivot_root": 41}
    root = Path(__file__).parents[2]
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join([str(root), str(root / "src")])}
    code = REFUSED.format(number=numbers[call]) + ASK.format()
    ended = subprocess.run(
        [sys.executable, "-c", code, json.dumps(asdict(environment))],
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    level, missing, remedies, refusal = json.loads(ended.stdout.splitlines()[-1])
    assert refusal, "it ran"
    if wall is not None:
        assert level is None
        assert wall in missing
        assert any(remedies) or wall == "capabilities"


def test_this_machine_gives_all_of_them() -> None:
    report = examine_machine()
    assert {wall.name for wall in report.walls if wall.required} == FULL
    assert [wall.name for wall in report.walls if wall.required and not wall.stands] == []
