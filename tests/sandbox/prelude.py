"""What every act has at hand. It becomes part of the attacking script: nothing of estudio's can be imported here."""

import ctypes
import errno
import json
import os
import platform
import sys
import time
from collections.abc import Callable
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.syscall.restype = ctypes.c_long
X86 = platform.machine() == "x86_64"
NUMBERS = {  # name: (x86_64, aarch64)
    "ioctl": (16, 29), "socket": (41, 198), "sendmsg": (46, 211), "ptrace": (101, 117), "shmget": (29, 194),
    "semget": (64, 190), "msgget": (68, 186), "personality": (135, 92), "modify_ldt": (154, -1),
    "pivot_root": (155, 41), "chroot": (161, 51), "mount": (165, 40), "umount2": (166, 39), "sethostname": (170, 161),
    "iopl": (172, -1), "sched_setscheduler": (144, 119), "sched_setaffinity": (203, 122), "setpriority": (141, 140),
    "capset": (126, 91), "capget": (125, 90), "prctl": (157, 167), "mq_open": (240, 180), "add_key": (248, 217),
    "request_key": (249, 218), "keyctl": (250, 219), "ioprio_set": (251, 30), "inotify_init1": (294, 26),
    "unshare": (272, 97), "splice": (275, 76), "vmsplice": (278, 75), "move_pages": (279, 239),
    "signalfd4": (289, 74), "perf_event_open": (298, 241), "fanotify_init": (300, 262),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265), "setns": (308, 268),
    "process_vm_readv": (310, 270), "kcmp": (312, 272), "seccomp": (317, 277), "memfd_create": (319, 279),
    "bpf": (321, 280), "execveat": (322, 281), "userfaultfd": (323, 282), "pidfd_send_signal": (424, 424),
    "io_uring_setup": (425, 425), "open_tree": (428, 428), "fsopen": (430, 430), "pidfd_open": (434, 434),
    "clone3": (435, 435), "pidfd_getfd": (438, 438), "mount_setattr": (442, 442),
    "landlock_create_ruleset": (444, 444), "memfd_secret": (447, 447), "process_mrelease": (448, 448),
    "clone": (56, 220), "recvfrom": (45, 207), "sendto": (44, 206), "recvmsg": (47, 212), "utimensat": (280, 88),
    "fchmodat2": (452, 452), "mmap": (9, 222), "getpid": (39, 172), "rt_sigqueueinfo": (129, 138),
    "tgkill": (234, 131), "mseal": (462, 462), "syslog": (103, 116), "io_setup": (206, 0),
    "set_mempolicy": (238, 237), "migrate_pages": (256, 238), "acct": (163, 89), "bind": (49, 200),
    "connect": (42, 203), "listen": (50, 201), "setuid": (105, 146), "setgroups": (116, 159),
    "clock_settime": (227, 112), "pkey_alloc": (330, 289), "statmount": (457, 457), "getsockopt": (55, 209),
    "fsetxattr": (190, 7), "linkat": (265, 37), "reboot": (169, 142), "swapon": (167, 224), "init_module": (175, 105),
    "process_madvise": (440, 440), "openat2": (437, 437), "execve": (59, 221), "tkill": (200, 130),
}  # fmt: skip


class Nothing(Exception):
    """Nothing stood in the way, and nothing was there."""


def syscall(name: str | int, *arguments: Any) -> int:
    """The kernel's answer to a system call; OSError when it refuses."""
    number = name if isinstance(name, int) else NUMBERS[name][0 if X86 else 1]
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    ctypes.set_errno(0)
    result = LIBC.syscall(ctypes.c_long(number), *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return int(result)


def descriptors(kind: str) -> list[int]:
    """The open descriptors above 2 of a kind: "sock", "file", "directory", "any"."""
    import stat

    checks = {"sock": stat.S_ISSOCK, "file": stat.S_ISREG, "directory": stat.S_ISDIR, "any": bool}
    found = []
    for number in range(3, 1024):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        if checks[kind](mode):
            found.append(number)
    return found


def in_child(function: Callable[[], object]) -> int:
    """Run a function in a forked child; its end as `os.waitpid` tells it."""
    child = os.fork()
    if child == 0:
        try:
            function()
        finally:
            os._exit(0)
    return os.waitpid(child, 0)[1]


def azureml_main() -> object:
    """Carry out the act and tell of it."""
    import pandas as pd

    told = {"done": False, "evidence": None, "error": "", "number": None}
    try:
        told["evidence"] = globals()["act"](globals()["GIVEN"])
        told["done"] = True
    except BaseException as error:  # noqa: BLE001 -- an act may raise what it likes
        told["error"], told["number"] = type(error).__name__, getattr(error, "errno", None)
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    return pd.DataFrame({"told": [json.dumps(told)]})


_ = errno, time
