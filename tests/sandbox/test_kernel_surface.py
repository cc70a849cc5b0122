"""Attacks on the kernel itself: every system call that table scripts do not need, and every door around the filter."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest

from estudio.core.outcome import ScriptState
from estudio.sandbox import seccomp, syscalls

from .attacking import FULL, Attack, Sandbox, check_attack

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECCOMP = frozenset({"seccomp"})
X86 = platform.machine() == "x86_64"
only_x86 = pytest.mark.skipif(not X86, reason="this processor has no second table of system calls")


def asked(harm: str, call: str, without: frozenset[str] = SECCOMP, *, as_root: bool = False) -> Attack:
    """An attack of one system call, given as its name and arguments."""
    return Attack(harm, f"return syscall({call})", without=without, as_root=as_root)


ATTACKS = [
    asked(
        "system calls are queued past the filter",
        "'io_uring_setup', 1, ctypes.create_string_buffer(120)",
        frozenset({"seccomp", "resource-limits"}),
    ),
    asked("page faults are stopped to win races", "'userfaultfd', 1"),
    asked("memory is hidden from the kernel", "'memfd_secret', 0"),
    asked(
        "a key is put into the kernel",
        "'add_key', ctypes.c_char_p(b'user'), ctypes.c_char_p(b'x'), ctypes.c_char_p(b'x'), 1, -2",
    ),
    asked("the kernel's keys are listed", "'keyctl', 0, -3, 1"),
    asked("the filter is replaced", "'seccomp', 2, 0, ctypes.byref(ctypes.c_uint32(0x7FFF0000))"),
    asked("the second wall is asked for its rules", "'landlock_create_ruleset', 0, 0, 1"),
    asked("signals are read as a file", "'signalfd4', -1, ctypes.byref(ctypes.c_long(0)), 8, 0"),
    asked(
        "memory is moved between nodes",
        "'migrate_pages', 0, 8, ctypes.byref(ctypes.c_long(1)), ctypes.byref(ctypes.c_long(1))",
    ),
    asked("memory's node is chosen", "'set_mempolicy', 0, 0, 0"),
    asked("disk operations are queued", "'io_setup', 1, ctypes.byref(ctypes.c_long(0))"),
    asked(
        "another filter of files is read by handle",
        "'openat2', -100, ctypes.c_char_p(b'.'), ctypes.create_string_buffer(24), 24",
    ),
    asked("pages are given to a pipe", "'vmsplice', os.pipe()[1], 0, 0, 0"),
]
if X86:
    ATTACKS += [asked("segments of the processor are changed", "'modify_ldt', 0, ctypes.create_string_buffer(16), 16")]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_harm(attack: Attack, walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], tmp_path: Path) -> None:
    check_attack(attack, walled, unwalled, tmp_path)


SWEEP = """
    answers = {}
    for number in given['numbers']:
        def ask():
            LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(-1)] * 6)
            os._exit(ctypes.get_errno() & 127)
        status = in_child(ask)
        answers[number] = status >> 8 if status & 127 == 0 else -(status & 127)
    return answers
"""


PAST_ALL_FILTERS = {335, 336} if X86 else set()
"""uretprobe and uprobe: the kernel (6.14 and later) lets them past every filter; outside its own trampolines they do
nothing but end the process or answer ENXIO."""


def refused_numbers() -> dict[int, int]:
    """Every number up to the last known one that the policy refuses whatever its arguments, and the error it gives."""
    numbers = seccomp.ARCHITECTURES[platform.machine()].numbers
    names = {number: name for name, number in numbers.items()}
    refused = {}
    for number in range(syscalls.LAST_KNOWN + 40):
        name = names.get(number, "")
        if name in seccomp.ALWAYS or name in seccomp.CONDITIONAL or number in PAST_ALL_FILTERS:
            continue
        refused[number] = 38 if number > syscalls.LAST_KNOWN else seccomp.OTHER_ERRORS.get(name, 1)
    return refused


def test_a_call_slips_through_the_list(walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox]) -> None:
    """Each refused number, made in a child that is thrown away: the running kernel's verdict is the policy's."""
    expected = refused_numbers()
    assert len(expected) > 200
    answers = walled.attack(SWEEP, {"numbers": [*expected]}).evidence
    assert {int(number): error for number, error in answers.items()} == expected
    control = unwalled(SECCOMP).attack(SWEEP, {"numbers": [*expected]}).evidence
    different = [number for number, error in control.items() if error != expected[int(number)]]
    assert len(different) > 100, "without the filter the kernel itself answers"


OPTIONS = """
    allowed = []
    for option in given['options']:
        try:
            syscall({0})
        except OSError as error:
            if error.errno == 1:
                continue
        allowed.append(option)
    return allowed
"""


@pytest.mark.parametrize(
    ("call", "options", "allowed"),
    [
        ("'prctl', option, -1, -1, -1, -1", [*range(2, 80), 0x59616D61, 0x53564D41], [3, 15, 16, 0x53564D41]),
        (
            "'ioctl', 0, option, 0",
            [*range(0x5400, 0x5480), 0x8004AE00, 0x40045431, 0xFF0B],
            [0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451],
        ),
    ],
    ids=["prctl", "ioctl"],
)
def test_an_option_of_an_allowed_call_slips_through(
    walled: Sandbox, call: str, options: list[int], allowed: list[int]
) -> None:
    assert walled.attack(OPTIONS.format(call), {"options": options}).evidence == allowed


def test_a_lease_or_a_notice_is_taken_on_a_shared_file(
    walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox]
) -> None:
    act = """
        import fcntl
        with open(os.__file__) as stream:
            done = []
            for command, value in ((1024, 0), (1026, 1), (8, 0), (10, 10), (1033, 0), (1035, 0)):
                try:
                    fcntl.fcntl(stream, command, value)
                    done.append(command)
                except OSError as error:
                    if error.errno != 1:
                        done.append(command)
        return done
    """
    assert walled.attack(act).evidence == []
    assert {1024, 8} <= set(unwalled(SECCOMP).attack(act).evidence)


MACHINE_CODE = """
    import mmap
    code = bytes.fromhex(given['code'])
    memory = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    memory.write(code)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    return ctypes.CFUNCTYPE(ctypes.c_long)(address)()
"""
GETPID_NATIVE = "b827000000 0f05 c3"
GETPID_INT80 = "b814000000 cd80 c3"
GETPID_X32 = "b827000040 0f05 c3"


@only_x86
def test_machine_code_of_a_scripts_own_is_filtered_too(walled: Sandbox) -> None:
    """It may run (numba makes such), but its system calls are the same."""
    assert walled.attack(MACHINE_CODE, {"code": GETPID_NATIVE}).evidence == 1
    refused = walled.attack(MACHINE_CODE, {"code": "b829000000 bf02000000 be01000000 31d2 0f05 c3"})  # socket
    assert refused.evidence == -1


@only_x86
@pytest.mark.parametrize("code", [GETPID_INT80, GETPID_X32], ids=["int-0x80", "x32"])
def test_another_table_of_system_calls_is_used(
    walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], code: str
) -> None:
    """Nobody does that by accident: the process is ended."""
    outcome = walled.attack(MACHINE_CODE, {"code": code}).outcome
    assert outcome.state is ScriptState.KILLED
    assert outcome.error is not None
    assert "SIGSYS" in outcome.error.message
    assert unwalled(SECCOMP).attack(MACHINE_CODE, {"code": code}).done
    assert walled.attack("return 1").done


@only_x86
def test_the_machines_reserved_huge_pages_are_taken(
    walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox]
) -> None:
    """No limit of memory counts them. Without the filter the pool is asked, and may be empty."""
    act = "return syscall('mmap', 0, 2 << 20, 3, 0x22 | 0x40000, -1, 0)"
    assert walled.attack(act).number == 1
    assert unwalled(SECCOMP).attack(act).number in (12, None)


def test_a_crash_is_handed_to_a_core_dump_handler(
    walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox]
) -> None:
    """It would run as root outside, whatever the limit of core files is. PR_GET_DUMPABLE says that none is called."""
    act = "return syscall('prctl', 3, 0, 0, 0, 0)"
    assert walled.attack(act).evidence == 0
    assert unwalled(frozenset(FULL)).attack(act).evidence in (0, 1)
