"""What a hostile caller of a service, one that runs what it is sent, tries to do to later callers of the same service.

With the isolation `call` nothing of a call is there for the next one. That `worker` promises less is the control: what
is left in memory is seen there by the next call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from estudio.core.outcome import ScriptState
from estudio.core.service import ServiceIsolation

from .serving import Serving
from .test_state import LEFT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.modules.warm_pools import ScriptEnvironment

IN_MEMORY = ("a changed library", "a changed builtin", "a search path", "a variable of the environment")
FIND_CONNECTION = """
frame = sys._getframe()
while 'connection' not in frame.f_locals:
    frame = frame.f_back
connection, number = frame.f_locals['connection'], frame.f_locals.get('number')
"""
FORGE = (
    FIND_CONNECTION
    + """
import struct
def forge(n):
    text = json.dumps({'state': 'failed', 'error': {'code': 'forged', 'message': 'forged'}, 'used_bytes': 0}).encode()
    os.write(connection, struct.pack('=QIQ', n, len(text), 0) + text)
"""
)
SURVIVE = """
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        import signal
        for each in range(1, 65):
            try:
                signal.signal(each, signal.SIG_IGN)
            except (OSError, ValueError):
                pass
        while True:
            for descriptor in list(range(1, 64)):
                try:
                    os.write(descriptor, b'survivor was here')
                except OSError:
                    pass
            for descriptor in list(range(3, 64)):
                try:
                    os.set_blocking(descriptor, False)
                    os.read(descriptor, 100)
                except OSError:
                    pass
    os._exit(0)
return os.wait()[1]
"""


@pytest.fixture(scope="module")
def service(environment: ScriptEnvironment) -> Iterator[Serving]:
    serving = Serving(environment, ServiceIsolation.CALL)
    yield serving
    serving.close()


@pytest.fixture(scope="module")
def worker(environment: ScriptEnvironment) -> Iterator[Serving]:
    serving = Serving(environment, ServiceIsolation.WORKER)
    yield serving
    serving.close()


def unharmed(service: Serving) -> None:
    """The next two callers get their own answers, and no other words."""
    for number in (1, 2):
        told = service.evaluate(f"return {number} + 1")
        assert told.done, (told, told.outcome.error, told.outcome.log)
        assert told.evidence == number + 1
        assert told.outcome.log == ""


@pytest.mark.parametrize("left", list(LEFT))
def test_nothing_is_left_for_the_next_caller(service: Serving, left: str) -> None:
    do, look = LEFT[left]
    assert service.evaluate(f"{do}\nreturn 1").done
    told = service.evaluate(f"{look}\nreturn 1")
    assert told.done == (look == "pass"), left
    unharmed(service)


@pytest.mark.parametrize("left", IN_MEMORY)
def test_a_worker_keeps_what_is_left_in_memory(worker: Serving, left: str) -> None:
    do, look = LEFT[left]
    assert worker.evaluate(f"{do}\nreturn 1").done
    assert worker.evaluate(f"{look}\nreturn 1").done


def test_a_process_that_outlives_its_call_neither_reads_nor_answers_nor_prints_for_the_next(service: Serving) -> None:
    told = service.evaluate(SURVIVE)
    assert told.done or told.error == "failed:wrong-result", told
    unharmed(service)
    assert service.evaluate("os.kill(2, 0)\nreturn 1").error == "ProcessLookupError"


def test_a_forged_answer_reaches_nobody_else(service: Serving) -> None:
    told = service.evaluate(FORGE + "forge(number)\ntime.sleep(60)")
    assert told.error == "failed:forged"
    unharmed(service)
    for wrong in ("number + 1", "0"):
        assert service.evaluate(FORGE + f"forge({wrong})\nreturn 1").error == "failed:wrong-result"
        unharmed(service)
    assert service.evaluate(FORGE + "forge(number)\nforge(number + 1)\nreturn 1").error.startswith("failed:")
    unharmed(service)


def test_a_call_that_answers_and_goes_on_does_not_hold_up_the_next(service: Serving) -> None:
    assert service.evaluate(FORGE + "forge(number)\nwhile True: pass").error == "failed:forged"
    unharmed(service)


@pytest.mark.parametrize("number", [1, 2, 3, 9, 14, 15, 17, 19, 20, 24, 25, 34, 64])
def test_no_signal_ends_or_stops_the_template(service: Serving, number: int) -> None:
    service.evaluate("return 1")
    pid = service.evaluator_pid()
    told = service.evaluate(f"for _ in range(100): os.kill(1, {number})\nreturn os.getpid()")
    assert told.done
    assert told.evidence > 1
    unharmed(service)
    assert service.evaluator_pid() == pid > 0


def test_a_handler_of_the_script_does_not_run_in_the_template(service: Serving) -> None:
    script = """
    import os, signal, pandas
    def handler(number, frame):
        os._exit(9)
    signal.signal(signal.SIGUSR1, handler)
    def azureml_main(t):
        os.kill(1, signal.SIGUSR1)
        return pandas.DataFrame({'mine': [signal.getsignal(signal.SIGUSR1) is handler]})
    """
    for _ in range(3):
        outcome = service.run(script)
        assert outcome.table is not None, outcome.error
        assert outcome.table.to_arrow().column("mine").to_pylist() == [True]


@pytest.mark.parametrize(
    "act",
    [
        "syscall('ptrace', 16, 1, 0, 0)",
        "syscall('process_vm_readv', 1, ctypes.c_void_p(0), 0, ctypes.c_void_p(0), 0, 0)",
        "syscall('pidfd_open', 1, 0)",
        "syscall('kcmp', 1, os.getpid(), 0, 0, 0)",
        "open('/proc/1/mem', 'rb')",
        "os.stat('/proc/self')",
        "import resource; resource.prlimit(1, resource.RLIMIT_NPROC, (1, 1))",
        "syscall('prctl', 4, 1, 0, 0, 0)",
        "syscall('setpriority', 0, 1, 19)",
    ],
)
def test_the_template_cannot_be_reached(service: Serving, act: str) -> None:
    told = service.evaluate(f"{act}\nreturn 1")
    assert not told.done
    assert told.error in {"OSError", "PermissionError", "FileNotFoundError"}, told
    unharmed(service)


def test_the_control_socket_is_not_there(service: Serving) -> None:
    told = service.evaluate("import socket\nreturn [n for n in descriptors('any')]")
    assert told.done
    assert len(told.evidence) == 1, "a call has its own socket and nothing else"


@pytest.mark.parametrize(
    "act",
    [
        "os.closerange(0, 1024)",
        "for n in range(3, 64):\n    try: os.dup2(0, n)\n    except OSError: pass",
        "import signal; os.kill(os.getpid(), signal.SIGSTOP)",
        "ctypes.string_at(0)",
        "os._exit(0)",
        "os.abort()",
    ],
)
def test_a_call_that_harms_itself_harms_itself_alone(service: Serving, act: str) -> None:
    limits = service.limits.__class__(timeout_seconds=3.0, memory_bytes=service.limits.memory_bytes)
    service.evaluate("return 1", limits=limits)
    told = service.evaluate(f"{act}\nreturn 1", limits=limits)
    assert not told.done or told.outcome.finished
    assert service.evaluate("return 2", limits=limits).evidence == 2


@pytest.mark.parametrize(
    "act",
    [
        "for n in range(20): os.makedirs('/box/tmp/' + '/'.join('d' * (n + 1)))",
        "for n in range(3000): open('/box/tmp/%d' % n, 'w').close()",
        "for n in range(9000): open('/box/work/%d' % n, 'w').close()",
        "os.mkdir('/box/home/closed'); open('/box/home/closed/f', 'w').close(); os.chmod('/box/home/closed', 0)",
        "os.chdir('/box/tmp')\nfor _ in range(1500):\n    os.mkdir('deep' * 30); os.chdir('deep' * 30)",
        "os.rename('/box/tmp', '/box/gone'); os.mkdir('/box/tmp')",
        "os.chmod('/box/work', 0)",
        "os.unlink('/box/work/azuremod.py')",
        "os.symlink('/', '/box/work/root'); os.mkfifo('/box/shm/fifo')",
        "open('/box/shm/full', 'wb').write(bytes(30 << 20))",
    ],
)
def test_folders_are_as_they_were(service: Serving, act: str) -> None:
    look = "import glob\nreturn sorted(p for p in glob.glob('/box/**', recursive=True, include_hidden=True))"
    before = service.evaluate(look)
    service.evaluate(f"{act}\nreturn 1")
    after = service.evaluate(look)
    assert after.done, after
    assert after.evidence == before.evidence
    assert after.evidence
    unharmed(service)


BUNDLE_LOOK = "return open('/box/work/Script Bundle/data.txt').read()"
WRITE_QUIETLY = """
import mmap
with open('/box/work/Script Bundle/data.txt', 'r+b') as stream, mmap.mmap(stream.fileno(), 0) as memory:
    memory[:1]
    memory[:1] = b'X'
"""
WRITE_THROUGH_A_MAP = """
import mmap
path = '/box/work/Script Bundle/data.txt'
os.chmod(path, 0o644)
with open(path, 'r+b') as stream:
    os.chmod(path, 0o444)
    with mmap.mmap(stream.fileno(), 0) as memory:
        memory[:1]
        memory[:1] = b'X'
"""


@pytest.mark.parametrize(
    "act",
    [
        "open('/box/work/Script Bundle/data.txt', 'w').write('changed')",
        WRITE_QUIETLY,
        WRITE_THROUGH_A_MAP,
        "os.chmod('/box/work/Script Bundle/data.txt', 0o644)",
        "p = '/box/work/Script Bundle/data.txt'; os.unlink(p); open(p, 'w').write('another')",
        "p = '/box/work/Script Bundle/data.txt'; os.link(p, '/box/tmp/link')",
        "os.rename('/box/work/Script Bundle/data.txt', '/box/work/Script Bundle/gone.txt')",
        "open('/box/work/Script Bundle/planted.py', 'w').write('x = 1')",
    ],
)
def test_the_bundle_is_as_it_was(service: Serving, act: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    bundle = tmp_path_factory.getbasetemp() / "attacked-bundle"
    bundle.mkdir(exist_ok=True)
    (bundle / "data.txt").write_text("original")
    assert service.evaluate(BUNDLE_LOOK, bundle=bundle).evidence == "original"
    service.evaluate(f"{act}\nreturn 1", bundle=bundle)
    assert service.evaluate(BUNDLE_LOOK, bundle=bundle).evidence == "original"
    assert service.evaluate("import planted", bundle=bundle).error == "ModuleNotFoundError"


def test_processes_that_are_left_do_not_use_up_the_next_callers_share(service: Serving) -> None:
    service.evaluate(
        """
        import signal
        for _ in range(200):
            try:
                if os.fork() == 0:
                    signal.pause()
            except OSError:
                break
        return 1
        """
    )
    told = service.evaluate("return [in_child(lambda: None) for _ in range(3)]")
    assert told.evidence == [0, 0, 0]
    unharmed(service)


def test_memory_that_is_left_does_not_use_up_the_next_callers_share(service: Serving) -> None:
    for _ in range(3):
        assert service.evaluate("held = bytearray(600 << 20)\nsys.held = held\nreturn 1").done
    unharmed(service)


def test_a_position_in_the_scripts_own_file_is_not_passed_on(service: Serving) -> None:
    script = """
    import pandas
    held = open('/box/work/azuremod.py', 'rb', buffering=0)
    def azureml_main(t):
        return pandas.DataFrame({'at': [held.tell(), held.seek(3)]})
    """
    for _ in range(2):
        outcome = service.run(script)
        assert outcome.table is not None, outcome.error
        assert outcome.table.to_arrow().column("at").to_pylist() == [0, 3]


def test_what_a_scripts_own_pipe_holds_is_not_passed_on(service: Serving) -> None:
    script = """
    import os, pandas
    r, w = os.pipe()
    os.set_blocking(r, False)
    def azureml_main(t):
        try:
            found = os.read(r, 10).decode()
        except BlockingIOError:
            found = 'nothing'
        os.write(w, b'left')
        return pandas.DataFrame({'found': [found]})
    """
    for _ in range(3):
        outcome = service.run(script)
        assert outcome.table is not None, outcome.error
        assert outcome.table.to_arrow().column("found").to_pylist() == ["nothing"]


def test_a_call_that_runs_out_of_time_costs_nobody_else(service: Serving) -> None:
    limits = service.limits.__class__(timeout_seconds=1.0, memory_bytes=service.limits.memory_bytes)
    told = service.evaluate("while True: pass", limits=limits)
    assert told.outcome.state is ScriptState.TIMED_OUT
    assert service.evaluate("return 3", limits=limits).evidence == 3
