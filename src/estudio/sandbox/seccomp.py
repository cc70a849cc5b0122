"""The system call filter: which calls a guest may make, and the BPF program that the kernel runs for it.

An allow-list: what is not named here is refused. A refusal is an error number, so that ordinary code can go on; a call
through another architecture's table ends the process, because nobody does that by accident.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass

from estudio.errors import SandboxUnavailable
from estudio.sandbox import syscalls

_ALLOW = 0x7FFF0000
_KILL = 0x80000000
_ERRNO = 0x00050000
_LOAD, _JUMP, _JUMP_EQUAL, _JUMP_GREATER, _AND, _RETURN = 0x20, 0x05, 0x15, 0x25, 0x54, 0x06
_LEAF_RULES = 4
_NUMBER_OFFSET, _ARCHITECTURE_OFFSET, _ARGUMENTS_OFFSET = 0, 4, 16
_X32_BIT = 0x40000000

_NEW_NAMESPACES = 0x7E020000 | 0x00000080
"""Every CLONE_NEW* flag, the time namespace included."""

_EMPTY_PATH = 0x1000
"""AT_EMPTY_PATH: the file behind a descriptor."""
_HUGE_PAGES = 0x40000
"""MAP_HUGETLB."""
_URGENT = 1
"""MSG_OOB."""

ALWAYS = [
    "read",
    "write",
    "open",
    "close",
    "stat",
    "fstat",
    "lstat",
    "poll",
    "lseek",
    "mprotect",
    "munmap",
    "brk",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "pread64",
    "pwrite64",
    "readv",
    "writev",
    "access",
    "pipe",
    "select",
    "sched_yield",
    "mremap",
    "msync",
    "mincore",
    "madvise",
    "dup",
    "dup2",
    "pause",
    "nanosleep",
    "getitimer",
    "alarm",
    "setitimer",
    "getpid",
    "sendfile",
    "shutdown",
    "getsockname",
    "getpeername",
    "exit",
    "wait4",
    "kill",
    "uname",
    "flock",
    "fsync",
    "fdatasync",
    "truncate",
    "ftruncate",
    "getdents",
    "getcwd",
    "chdir",
    "fchdir",
    "rename",
    "mkdir",
    "rmdir",
    "creat",
    "link",
    "unlink",
    "symlink",
    "readlink",
    "chmod",
    "umask",
    "gettimeofday",
    "getrlimit",
    "getrusage",
    "sysinfo",
    "times",
    "getuid",
    "getgid",
    "geteuid",
    "getegid",
    "setpgid",
    "getppid",
    "getpgrp",
    "setsid",
    "getgroups",
    "getresuid",
    "getresgid",
    "getpgid",
    "getsid",
    "capget",
    "rt_sigpending",
    "rt_sigtimedwait",
    "rt_sigsuspend",
    "sigaltstack",
    "statfs",
    "fstatfs",
    "getpriority",
    "sched_getparam",
    "sched_getscheduler",
    "sched_get_priority_max",
    "sched_get_priority_min",
    "arch_prctl",
    "gettid",
    "readahead",
    "tkill",
    "time",
    "futex",
    "sched_getaffinity",
    "epoll_create",
    "getdents64",
    "set_tid_address",
    "restart_syscall",
    "fadvise64",
    "timer_create",
    "timer_settime",
    "timer_gettime",
    "timer_getoverrun",
    "timer_delete",
    "clock_gettime",
    "clock_getres",
    "clock_nanosleep",
    "exit_group",
    "epoll_wait",
    "epoll_ctl",
    "tgkill",
    "mbind",
    "get_mempolicy",
    "waitid",
    "openat",
    "mkdirat",
    "newfstatat",
    "unlinkat",
    "renameat",
    "linkat",
    "symlinkat",
    "readlinkat",
    "fchmodat",
    "faccessat",
    "pselect6",
    "ppoll",
    "set_robust_list",
    "get_robust_list",
    "sync_file_range",
    "epoll_pwait",
    "timerfd_create",
    "eventfd",
    "fallocate",
    "timerfd_settime",
    "timerfd_gettime",
    "eventfd2",
    "epoll_create1",
    "dup3",
    "pipe2",
    "preadv",
    "pwritev",
    "getcpu",
    "renameat2",
    "getrandom",
    "membarrier",
    "copy_file_range",
    "preadv2",
    "pwritev2",
    "statx",
    "rseq",
    "close_range",
    "faccessat2",
    "epoll_pwait2",
    "futex_waitv",
    "fork",
    "vfork",
]
PROGRAMS = ("execve", "execveat")
OTHER_ERRORS = {
    "clone3": errno.ENOSYS,  # its flags lie in memory, out of the filter's sight; C libraries fall back to clone
    **dict.fromkeys(
        [
            "setxattr",
            "lsetxattr",
            "fsetxattr",
            "getxattr",
            "lgetxattr",
            "fgetxattr",
            "listxattr",
            "llistxattr",
            "flistxattr",
            "removexattr",
            "lremovexattr",
            "fremovexattr",
        ],
        errno.EOPNOTSUPP,  # copying a file asks for these and takes this answer
    ),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """The low 32 bits of an argument, under a mask, equal (or not) a value; `wide` tests all 64 bits of a pointer."""

    argument: int
    value: int
    mask: int = 0xFFFFFFFF
    equal: bool = True
    wide: bool = False


CONDITIONAL: dict[str, tuple[tuple[Condition, ...], ...]] = {
    # name: alternatives; one of them must hold in full
    "clone": ((Condition(0, 0, mask=_NEW_NAMESPACES),),),
    "socketpair": ((Condition(0, 1), Condition(1, 1, mask=0xF)),),
    "sendto": ((Condition(4, 0, wide=True), Condition(3, 0, mask=_URGENT)),),
    "prlimit64": ((Condition(0, 0),),),
    # by path alone: by descriptor they would change the host's own file, which a guest of its owner may own
    "utimensat": ((Condition(1, 0, equal=False, wide=True), Condition(3, 0, mask=_EMPTY_PATH)),),
    "fchmodat2": ((Condition(3, 0, mask=_EMPTY_PATH),),),
    # not the machine's reserved huge pages, which no limit of memory counts
    "mmap": ((Condition(3, 0, mask=_HUGE_PAGES),),),
    # urgent bytes over Unix sockets: nobody needs them, and their code had holes (CVE-2025-38236)
    "recvfrom": ((Condition(3, 0, mask=_URGENT),),),
    "recvmsg": ((Condition(2, 0, mask=_URGENT),),),
    # type, error, buffer sizes, protocol, family: not the peer's process descriptor, which is the zygote's
    "getsockopt": tuple((Condition(1, 1), Condition(2, option)) for option in (3, 4, 7, 8, 38, 39)),
    "mknod": ((Condition(1, 0x8000, mask=0xF000),), (Condition(1, 0x1000, mask=0xF000),)),
    "mknodat": ((Condition(2, 0x8000, mask=0xF000),), (Condition(2, 0x1000, mask=0xF000),)),
    # duplicate, flags, locks, pipe size: not leases, directory notices, owners and signals of descriptors
    "fcntl": tuple((Condition(1, command),) for command in (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030, 1031, 1032)),
    # terminal size and state, bytes waiting, (non-)blocking: not terminal injection, nor devices
    "ioctl": tuple((Condition(1, request),) for request in (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)),
    # thread names, dumpable state, memory names
    "prctl": tuple((Condition(0, option),) for option in (3, 15, 16, 0x53564D41)),
}


@dataclass(frozen=True, slots=True)
class Architecture:
    """What differs between processors."""

    audit: int
    numbers: dict[str, int]


ARCHITECTURES = {
    "x86_64": Architecture(syscalls.X86_64_AUDIT, syscalls.X86_64),
    "aarch64": Architecture(syscalls.AARCH64_AUDIT, syscalls.AARCH64),
}


def compile_filter(machine: str, *, programs: bool) -> bytes:
    """The BPF program for `machine` (as `os.uname` names it), 8 bytes an instruction.

    Args:
        machine: `x86_64` or `aarch64`.
        programs: whether programs may be started.

    Raises:
        SandboxUnavailable: a processor whose system call numbers are not known here.
    """
    architecture = ARCHITECTURES.get(machine)
    if architecture is None:
        raise SandboxUnavailable(
            f"No system call filter for the processor {machine!r}; estudio knows {', '.join(ARCHITECTURES)}.",
            machine=machine,
        )
    allowed = {*ALWAYS, *(PROGRAMS if programs else ())}
    code = [
        _instruction(_LOAD, _ARCHITECTURE_OFFSET),
        _instruction(_JUMP_EQUAL, architecture.audit, 1, 0),
        _instruction(_RETURN, _KILL),
        _instruction(_LOAD, _NUMBER_OFFSET),
        _instruction(_JUMP_GREATER, _X32_BIT - 1, 0, 1),
        _instruction(_RETURN, _KILL),
    ]
    rules = [
        (number, _rule(name, number, name in allowed))
        for name, number in sorted(architecture.numbers.items(), key=lambda item: item[1])
    ]
    code += [
        _instruction(_JUMP_GREATER, syscalls.LAST_KNOWN, 0, 1),
        _instruction(_RETURN, _ERRNO | errno.ENOSYS),
        *_search([rule for rule in rules if rule[1]]),
    ]
    return b"".join(code)


def _search(rules: list[tuple[int, list[bytes]]]) -> list[bytes]:
    """A binary search by number: the kernel runs the program once for every number when it is installed."""
    if len(rules) <= _LEAF_RULES:
        return [*(part for _, rule in rules for part in rule), _instruction(_RETURN, _ERRNO | errno.EPERM)]
    middle = len(rules) // 2
    lower = _search(rules[:middle])
    return [
        _instruction(_JUMP_GREATER, rules[middle][0] - 1, 0, 1),
        _instruction(_JUMP, len(lower)),
        *lower,
        *_search(rules[middle:]),
    ]


def _rule(name: str, number: int, allowed: bool) -> list[bytes]:
    if name in CONDITIONAL:
        body = [part for alternative in CONDITIONAL[name] for part in _alternative(alternative)]
        body.append(_instruction(_RETURN, _ERRNO | errno.EPERM))
    elif allowed:
        body = [_instruction(_RETURN, _ALLOW)]
    elif name in OTHER_ERRORS:
        body = [_instruction(_RETURN, _ERRNO | OTHER_ERRORS[name])]
    else:
        return []
    return [_instruction(_JUMP_EQUAL, number, 0, len(body)), *body]


def _alternative(conditions: tuple[Condition, ...]) -> list[bytes]:
    """Return "allow" when all hold, else fall through to what follows."""
    body: list[bytes] = [_instruction(_RETURN, _ALLOW)]
    for condition in reversed(conditions):
        body = _test(condition, skip=len(body)) + body
    return body


def _test(condition: Condition, skip: int) -> list[bytes]:
    offset = _ARGUMENTS_OFFSET + 8 * condition.argument
    low = [_instruction(_LOAD, offset)]
    if condition.mask != 0xFFFFFFFF:
        low.append(_instruction(_AND, condition.mask))
    if not condition.wide:
        yes, no = (0, skip) if condition.equal else (skip, 0)
        return [*low, _instruction(_JUMP_EQUAL, condition.value, yes, no)]
    high = _instruction(_LOAD, offset + 4)
    if condition.equal:  # both halves zero
        return [*low, _instruction(_JUMP_EQUAL, 0, 0, skip + 2), high, _instruction(_JUMP_EQUAL, 0, 0, skip)]
    return [*low, _instruction(_JUMP_EQUAL, 0, 0, 2), high, _instruction(_JUMP_EQUAL, 0, skip, 0)]


def _instruction(code: int, constant: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, constant)
