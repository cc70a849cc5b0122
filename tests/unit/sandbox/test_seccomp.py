"""The filter, run by an interpreter of its instructions: every number gets the verdict that the policy says."""

from __future__ import annotations

import errno
import struct

import pytest

from estudio.errors import SandboxUnavailable
from estudio.sandbox import seccomp, syscalls

ALLOW = 0x7FFF0000
KILL = 0x80000000
REFUSE = 0x00050000 | errno.EPERM


def verdict(program: bytes, number: int, audit: int, *arguments: int) -> int:
    """What the kernel would answer: the five instructions that the compiler emits, executed."""
    padded = (*arguments, *(0,) * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", number, audit, 0, *padded)
    accumulator = position = 0
    while True:
        code, if_true, if_false, constant = struct.unpack_from("=HBBI", program, position * 8)
        position += 1
        match code:
            case 0x20:
                (accumulator,) = struct.unpack_from("=I", data, constant)
            case 0x05:
                position += constant
            case 0x15:
                position += if_true if accumulator == constant else if_false
            case 0x25:
                position += if_true if accumulator > constant else if_false
            case 0x54:
                accumulator &= constant
            case 0x06:
                return int(constant)
            case _:
                pytest.fail(f"an instruction that the compiler does not emit: {code:#x}")


@pytest.mark.parametrize("machine", seccomp.ARCHITECTURES)
@pytest.mark.parametrize("programs", [False, True])
def test_every_number_gets_the_verdict_of_the_policy(machine: str, programs: bool) -> None:
    architecture = seccomp.ARCHITECTURES[machine]
    program = seccomp.compile_filter(machine, programs=programs)
    names = {number: name for name, number in architecture.numbers.items()}
    allowed = {*seccomp.ALWAYS, *(seccomp.PROGRAMS if programs else ())}
    for number in range(700):
        name = names.get(number, "")
        if name in seccomp.CONDITIONAL:
            continue
        if number > syscalls.LAST_KNOWN:
            expected = 0x00050000 | errno.ENOSYS
        elif name in allowed:
            expected = ALLOW
        else:
            expected = 0x00050000 | seccomp.OTHER_ERRORS.get(name, errno.EPERM)
        assert verdict(program, number, architecture.audit) == expected, (number, name)


def x86(name: str, *arguments: int, audit: int = syscalls.X86_64_AUDIT, programs: bool = False) -> int:
    program = seccomp.compile_filter("x86_64", programs=programs)
    return verdict(program, syscalls.X86_64[name], audit, *arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("clone", (0x11,), ALLOW),
        ("clone", (0x11 | 0x10000000,), REFUSE),
        ("clone", (0x11 | 0x40000000,), REFUSE),
        ("clone", (0x11 | 0x80,), REFUSE),
        ("socketpair", (1, 0x80001), ALLOW),
        ("socketpair", (1, 2), REFUSE),
        ("socketpair", (2, 1), REFUSE),
        ("sendto", (3, 0x1000, 5, 0, 0), ALLOW),
        ("sendto", (3, 0x1000, 5, 0, 1), REFUSE),
        ("sendto", (3, 0x1000, 5, 0, 1 << 40), REFUSE),
        ("utimensat", (3, 0x7F00_0000_0000), ALLOW),
        ("utimensat", (3, 0x1000), ALLOW),
        ("utimensat", (3, 0), REFUSE),
        ("utimensat", (3, 0x1000, 0, 0x1000), REFUSE),
        ("fchmodat2", (3, 0x1000, 0o777, 0x100), ALLOW),
        ("fchmodat2", (3, 0x1000, 0o777, 0x1000), REFUSE),
        ("mmap", (0, 4096, 3, 0x22), ALLOW),
        ("mmap", (0, 4096, 3, 0x40022), REFUSE),
        ("sendto", (3, 0x1000, 5, 1, 0), REFUSE),
        ("recvfrom", (3, 0x1000, 5, 0), ALLOW),
        ("recvfrom", (3, 0x1000, 5, 1), REFUSE),
        ("recvmsg", (3, 0x1000, 1), REFUSE),
        ("getsockopt", (3, 1, 3), ALLOW),
        ("getsockopt", (3, 1, 77), REFUSE),
        ("getsockopt", (3, 6, 3), REFUSE),
        ("prlimit64", (0,), ALLOW),
        ("prlimit64", (77,), REFUSE),
        ("mknod", (0x1000, 0x81A4), ALLOW),
        ("mknod", (0x1000, 0x21A4), REFUSE),
        ("mknodat", (3, 0x1000, 0x61A4), REFUSE),
        ("ioctl", (0, 0x5401), ALLOW),
        ("ioctl", (0, 0x5412), REFUSE),
        ("ioctl", (0, 0x541C), REFUSE),
        ("fcntl", (3, 1024), REFUSE),
        ("fcntl", (3, 1026), REFUSE),
        ("prctl", (22,), REFUSE),
        ("prctl", (15,), ALLOW),
    ],
)
def test_arguments_decide_where_a_call_is_both_needed_and_dangerous(
    name: str, arguments: tuple[int, ...], expected: int
) -> None:
    assert x86(name, *arguments) == expected


def test_another_architectures_table_ends_the_process() -> None:
    i386 = 0x40000003
    assert x86("read", audit=i386) == KILL
    program = seccomp.compile_filter("x86_64", programs=False)
    assert verdict(program, 0x40000000 + syscalls.X86_64["read"], syscalls.X86_64_AUDIT) == KILL


def test_programs_start_only_where_the_policy_says_so() -> None:
    assert x86("execve") == REFUSE
    assert x86("execveat") == REFUSE
    assert x86("execve", programs=True) == ALLOW


def test_an_unknown_processor_is_refused_by_name() -> None:
    with pytest.raises(SandboxUnavailable, match=r"'m68k'.*x86_64, aarch64"):
        seccomp.compile_filter("m68k", programs=False)


def test_no_name_is_both_allowed_and_conditional() -> None:
    assert not set(seccomp.ALWAYS) & set(seccomp.CONDITIONAL)
    assert not set(seccomp.ALWAYS) & set(seccomp.OTHER_ERRORS)
    assert set(seccomp.ALWAYS) <= set(syscalls.X86_64)
