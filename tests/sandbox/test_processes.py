"""Attacks on other processes, and attempts to start or to leave some."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.sandbox.zygotes import UNPRIVILEGED_ID

from .attacking import FULL, Attack, Canary, Sandbox, check_attack, pids_named, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECCOMP = frozenset({"seccomp"})
PROCESSES = frozenset({"pid", "landlock", "seccomp"})
"""With `pid` alone away, Landlock and the filter still stand before other processes."""


@contextlib.contextmanager
def bystander(_: Path) -> Iterator[Canary]:
    """A process of the very user that guests are outside: nothing but walls protects it."""
    user = UNPRIVILEGED_ID if os.geteuid() == 0 else None
    with subprocess.Popen(
        ["/bin/sleep", "600"], user=user, group=user, extra_groups=None if user is None else []
    ) as process:
        try:
            yield Canary({"pid": process.pid}, lambda: process.poll() is None)
        finally:
            process.kill()


@contextlib.contextmanager
def bystander_to_look_at(folder: Path) -> Iterator[Canary]:
    """The same, where looking is the harm."""
    with bystander(folder) as canary:
        yield Canary(canary.facts)


@contextlib.contextmanager
def shared_segment(_: Path) -> Iterator[Canary]:
    """System V shared memory that everybody may use."""
    libc = ctypes.CDLL(None, use_errno=True)
    key = 0x5EC0 + os.getpid()
    number = libc.shmget(key, 4096, 0o1666)
    assert number >= 0, os.strerror(ctypes.get_errno())
    try:
        yield Canary({"key": key})
    finally:
        libc.shmctl(number, 0, None)


SOON = "; time.sleep(0.05); return 1"
ATTACKS = [
    Attack("another process is killed", "os.kill(given['pid'], 9)" + SOON, bystander, PROCESSES, returns_anyway=True),
    Attack(
        "another process is killed by its handle",
        "syscall('pidfd_send_signal', syscall('pidfd_open', given['pid'], 0), 9, 0, 0)" + SOON,
        bystander,
        PROCESSES,
    ),
    Attack("a thread of another process is killed", "syscall('tkill', given['pid'], 9)" + SOON, bystander, PROCESSES),
    Attack(
        "another process is sent a forged signal",
        "syscall('rt_sigqueueinfo', given['pid'], 15, (ctypes.c_int * 32)(15, 0, -1))" + SOON,
        bystander,
        PROCESSES,
    ),
    Attack(
        "another process is traced",
        "syscall('ptrace', 0x4206, given['pid'], 0, 0); return 1",
        bystander_to_look_at,
        FULL,
        as_root=True,
    ),
    Attack(
        "the memory of another process is read",
        """
        class Part(ctypes.Structure):
            _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]
        with open('/proc/%d/maps' % given['pid']) as maps:
            start = int(maps.readline().split('-')[0], 16)
        buffer = ctypes.create_string_buffer(4)
        here, there = Part(ctypes.addressof(buffer), 4), Part(start, 4)
        return syscall('process_vm_readv', given['pid'], ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
        """,
        bystander_to_look_at,
        FULL,
        as_root=True,
    ),
    Attack(
        "a descriptor of another process is taken",
        "return syscall('pidfd_getfd', syscall('pidfd_open', given['pid'], 0), 0, 0)",
        bystander_to_look_at,
        FULL,
        as_root=True,
    ),
    Attack(
        "the namespaces of another process are entered",
        "return syscall('setns', syscall('pidfd_open', given['pid'], 0), 0x40000000)",
        bystander_to_look_at,
        FULL,
        as_root=True,
    ),
    Attack(
        "two processes' kernel objects are compared",
        "return syscall('kcmp', os.getpid(), os.getpid(), 0, 1, 1)",
        without=SECCOMP,
    ),
    Attack(
        "the machine's processes are counted",
        """
        found = []
        for pid in range(2, 70000):
            try:
                os.kill(pid, 0)
                found.append(pid)
            except PermissionError:
                found.append(pid)
            except ProcessLookupError:
                pass
        if not found:
            raise Nothing()
        return len(found)
        """,
        without=frozenset({"pid"}),
    ),
    Attack(
        "shared memory of another process is attached",
        """
        number = LIBC.shmget(given['key'], 0, 0)
        if number < 0:
            raise OSError(ctypes.get_errno(), 'shmget')
        return number
        """,
        shared_segment,
        frozenset({"ipc", "seccomp"}),
    ),
    Attack("a semaphore is shared with others", "return syscall('semget', 0x5EC1, 1, 0o1666)", without=SECCOMP),
    Attack("a message queue is shared with others", "return syscall('msgget', 0, 0o1666)", without=SECCOMP),
    Attack(
        "a named message queue is opened",
        "return syscall('mq_open', ctypes.c_char_p(b'canary'), 0o102, 0o600, 0)",
        without=frozenset({"seccomp", "resource-limits", "landlock"}),
    ),
    Attack(
        "a program is started",
        "import subprocess; return subprocess.check_call(['/bin/true'])",
        without=frozenset({"seccomp", "landlock"}),
    ),
    Attack(
        "a shell is started",
        "return 0 if os.system('exit 7') == 7 << 8 else int('x')",
        without=frozenset({"seccomp", "landlock"}),
        refusals=frozenset({"ValueError"}),
    ),
    Attack(
        "the interpreter is started anew",
        """
        status = in_child(lambda: os.execv(sys.executable, ['python', '-c', 'raise SystemExit(7)']))
        if status >> 8 != 7:
            raise OSError(errno.EACCES, 'not started')
        return status
        """,
        without=frozenset({"seccomp", "landlock"}),
    ),
    Attack(
        "a program from the bundle's folder is started",
        """
        path = os.path.join('Script Bundle', 'program')
        with open('/bin/true', 'rb') as source, open(path, 'wb') as target:
            target.write(source.read())
        os.chmod(path, 0o755)
        import subprocess
        return subprocess.check_call([os.path.abspath(path)])
        """,
        without=frozenset({"seccomp", "landlock"}),
    ),
    Attack(
        "a program is started from memory",
        """
        number = syscall('memfd_create', ctypes.c_char_p(b'x'), 0)
        os.write(number, open('/bin/true', 'rb').read())
        none = (ctypes.c_char_p * 2)(b'x', None)
        def execute():
            syscall('execveat', number, ctypes.c_char_p(b''), none, none, 0x1000)
            os._exit(9)
        status = in_child(execute)
        if status:
            raise OSError(errno.EACCES, 'not started')
        return status
        """,
        without=SECCOMP,
    ),
    Attack(
        "memory without a name or a limit is made",
        "return syscall('memfd_create', ctypes.c_char_p(b'x'), 0)",
        without=SECCOMP,
    ),
    Attack(
        "other processes are slowed by a higher priority", "return syscall('setpriority', 0, 0, 1)", without=SECCOMP
    ),
    Attack(
        "a processor is taken alone",
        "return syscall('sched_setaffinity', 0, 8, ctypes.byref(ctypes.c_long(-1)))",
        without=SECCOMP,
    ),
    Attack(
        "a real-time priority is taken",
        "return syscall('sched_setscheduler', 0, 0, ctypes.byref(ctypes.c_int(0)))",
        without=SECCOMP,
    ),
    Attack("the disk is taken first", "return syscall('ioprio_set', 1, 0, (2 << 13) | 4)", without=SECCOMP),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_harm(attack: Attack, walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], tmp_path: Path) -> None:
    check_attack(attack, walled, unwalled, tmp_path)


@pytest.mark.parametrize(
    ("request_name", "number"),
    [("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541C), ("TIOCSCTTY", 0x540E), ("TIOCCONS", 0x541D), ("TIOCSETD", 0x5423)],
)
def test_keys_are_typed_into_a_terminal(
    walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], request_name: str, number: int
) -> None:
    """Refused before the kernel looks at the descriptor: without the filter it says that this is no terminal."""
    act = f"return syscall('ioctl', 0, {number}, ctypes.c_char_p(b'x')), {request_name!r}"
    assert walled.attack(act).error == "PermissionError"
    assert unwalled(SECCOMP).attack(act).number == 25  # ENOTTY


def test_all_processes_are_killed_at_once(walled: Sandbox) -> None:
    """`kill(-1)` reaches the call's own processes, and nobody else."""
    with bystander(Path()) as canary:
        told = walled.attack("""
            child = os.fork()
            if child == 0:
                time.sleep(60)
            os.kill(-1, 9)
            return os.waitpid(child, 0)[1]
        """)
        assert told.evidence == 9
        assert canary.unharmed is not None
        assert canary.unharmed()
    assert walled.attack("return 1").done


def test_the_zygote_is_signalled(walled: Sandbox) -> None:
    """A guest has no parent that it could name."""
    told = walled.attack("return [os.getpid(), os.getppid(), os.getpgrp(), os.getsid(0)]")
    assert told.evidence == [1, 0, 1, 1]
    for pid in "os.getppid()", "0":
        walled.attack(f"os.kill({pid}, 15); os.kill({pid}, 9); return 1")
    assert walled.attack("return 1").done


def test_another_call_at_the_same_time_is_reached(walled: Sandbox) -> None:
    """Two guests of one zygote are the same user outside; each is process 1 of a world of its own."""
    ended: list[bool] = []
    name = f"victim-{os.getpid() % 10_000}"
    victim = threading.Thread(
        target=lambda: ended.append(
            walled.attack(f"syscall('prctl', 15, ctypes.c_char_p({name.encode()!r})); time.sleep(1); return 1").done
        )
    )
    victim.start()
    pids = wait_for(lambda: pids_named(name))
    told = walled.attack(f"""
        hits = 0
        for pid in {pids} + list(range(2, 3000)):
            try:
                os.kill(pid, 9)
                hits += 1
            except OSError:
                pass
        return hits
    """)
    victim.join()
    assert told.evidence == 0
    assert ended == [True]


SURVIVORS = """
    def survive():
        if os.fork() == 0:
            os.setsid()
            import signal
            for number in (1, 2, 15):
                signal.signal(number, signal.SIG_IGN)
            if os.fork() == 0:
                syscall('prctl', 15, ctypes.c_char_p(given['name'].encode()))
                time.sleep(600)
            os._exit(0)
    for _ in range(given['count']):
        in_child(survive)
    time.sleep(given['seconds'])
    return 1
"""


def test_a_process_outlives_its_call(walled: Sandbox) -> None:
    """Daemons that ignore signals and hold the log open neither live on nor make the host wait."""
    name = f"daemon-{os.getpid() % 10_000}"
    given = {"name": name, "count": 10, "seconds": 0.5}
    call = threading.Thread(target=walled.attack, args=(SURVIVORS, given))
    call.start()
    wait_for(lambda: pids_named(name))  # the control: while the call runs, they are found
    call.join()
    end = time.monotonic() + 5
    while pids_named(name):
        assert time.monotonic() < end, "a process outlived its call"
        time.sleep(0.01)


def test_zombies_are_left(walled: Sandbox) -> None:
    told = walled.attack("""
        children = []
        for _ in range(40):
            child = os.fork()
            if child == 0:
                os._exit(0)
            children.append(child)
        return len(children)
    """)
    assert told.evidence == 40
    assert walled.attack("return 1").done


def test_a_child_of_the_zygote_is_made(walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox]) -> None:
    """CLONE_PARENT: a sibling that nobody waits for. The kernel refuses it to process 1."""
    act = """
        child = syscall('clone', 0x8000 | 17, 0, 0, 0, 0)
        if child == 0:
            os._exit(0)
        return child
    """
    assert walled.attack(act).number == 22
    assert unwalled(PROCESSES).attack(act).done


PROGRAM = "import subprocess; r = subprocess.run({0!r}, capture_output=True, text=True); return r.stdout + r.stderr"


@pytest.mark.parametrize(
    ("command", "seen"),
    [
        (["/bin/sh", "-c", "echo $((6*7))"], "42"),
        (["/bin/cat", "/etc/shadow"], "No such file"),
        (["/bin/sh", "-c", "cp /bin/true /box/work/own && /box/work/own"], "ermission denied"),
        (["/bin/sh", "-c", "echo x > /usr/lib/planted"], "ead-only"),
        (["/usr/bin/unshare", "-Ur", "/bin/true"], "not permitted"),
        (["/bin/sh", "-c", "echo root=$(id -u)"], "root=1000"),
    ],
)
def test_a_program_that_is_allowed_leaves_the_walls(walled: Sandbox, command: list[str], seen: str) -> None:
    """What is started with permission stands behind the same walls."""
    if not Path(command[0]).exists():
        pytest.skip(f"this machine has no {command[0]}")
    told = walled.attack(PROGRAM.format(command), allow_programs=True)
    assert told.done, told
    assert seen in told.evidence
