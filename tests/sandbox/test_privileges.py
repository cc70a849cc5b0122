"""Attempts to hold, to regain or to gain a privilege; and the kernel's own word about what a guest holds."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.sandbox.zygotes import UNPRIVILEGED_ID

from .attacking import FULL, SHOWN, Attack, Canary, Sandbox, check_attack, pids_named, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CAPABLE = frozenset({"seccomp", "capabilities"})
"""Without these two a guest is root of its own user namespace, and the kernel lets it."""
SECCOMP = frozenset({"seccomp"})


@contextlib.contextmanager
def roots_file(_: Path) -> Iterator[Canary]:
    """A file among the read-only ones that only root may read."""
    path = SHOWN / "canary"
    try:
        path.write_text("for root")
        path.chmod(0o600)
        yield Canary({"path": str(path)})
    finally:
        path.unlink(missing_ok=True)


ATTACKS = [
    Attack(
        "a capability is held",
        """
        header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
        syscall('capget', header, sets)
        if not any(sets):
            raise Nothing()
        return list(sets)
        """,
        without=frozenset({"capabilities"}),
    ),
    Attack(
        "a capability could come back by starting a program",
        """
        if not any(syscall('prctl', 23, number, 0, 0, 0) for number in range(40)):
            raise Nothing()
        return 1
        """,
        without=CAPABLE,
    ),
    Attack(
        "capabilities are taken back",
        """
        header, sets = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)(*[0xFFFFFFFF] * 2 + [0] * 4)
        try:
            syscall('capset', header, (ctypes.c_uint32 * 6)(1 << 21, 1 << 21, 0, 0, 0, 0))
        except OSError:
            raise
        return 1
        """,
        without=CAPABLE,
    ),
    Attack("another user is become", "os.setuid(0); return os.getuid()", as_root=True),
    Attack("another group is become", "os.setgid(0); os.setgroups([0]); return 1", as_root=True),
    Attack(
        "a file of root's among the libraries is read",
        "return open(given['path']).read()",
        roots_file,
        frozenset({"user"}),
        as_root=True,
    ),
    Attack(
        "a user namespace is entered, where one is root", "syscall('unshare', 0x10000000); return 1", without=SECCOMP
    ),
    Attack(
        "a process is born into a user namespace",
        """
        child = syscall('clone', 0x10000000 | 17, 0, 0, 0, 0)
        if child == 0:
            os._exit(0)
        return child
        """,
        without=SECCOMP,
    ),
    Attack("a mount namespace is entered", "syscall('unshare', 0x00020000); return 1", without=CAPABLE),
    Attack("a process table is entered", "syscall('unshare', 0x20000000); return 1", without=CAPABLE),
    Attack(
        "a file system is mounted",
        """
        os.mkdir('m')
        return syscall('mount', ctypes.c_char_p(b'x'), ctypes.c_char_p(b'm'), ctypes.c_char_p(b'tmpfs'), 0, 0)
        """,
        without=CAPABLE | {"landlock"},
    ),
    Attack(
        "the private folder is taken off to see what lies below",
        """
        os.chdir('/')
        syscall('umount2', ctypes.c_char_p(b'/box'), 2)
        return 1
        """,
        without=CAPABLE | {"landlock"},
    ),
    Attack(
        "a read-only view is made writable",
        "return syscall('mount', 0, ctypes.c_char_p(b'/box'), 0, 0x1020, 0)",
        without=CAPABLE | {"landlock"},
    ),
    Attack("the root folder is changed", "os.mkdir('r'); os.chroot('r'); return 1", without=CAPABLE),
    Attack("a file system is configured", "return syscall('fsopen', ctypes.c_char_p(b'tmpfs'), 0)", without=CAPABLE),
    Attack(
        "a tree of mounts is copied",
        "return syscall('open_tree', -100, ctypes.c_char_p(b'/box'), 1)",
        without=CAPABLE | {"landlock"},
    ),
    Attack("the host name is changed", "return syscall('sethostname', ctypes.c_char_p(b'x'), 1)", without=CAPABLE),
    Attack("address randomisation is switched off", "return syscall('personality', 0x0040000)", without=SECCOMP),
    Attack(
        "a limit is raised",
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (2000, 2000)); return 1",
        refusals=frozenset({"ValueError"}),
        without=FULL,
        as_root=True,
    ),
    Attack(
        "the limits of another process are changed",
        "import resource; resource.prlimit(2, resource.RLIMIT_CPU); return 1",
        lambda _: contextlib.nullcontext(Canary()),
        FULL,
        as_root=True,
    ),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_harm(attack: Attack, walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], tmp_path: Path) -> None:
    check_attack(attack, walled, unwalled, tmp_path)


WAITING = "syscall('prctl', 15, ctypes.c_char_p(given['name'].encode())); time.sleep(0.5); return 1"


def kernels_word(sandbox: Sandbox) -> tuple[dict[str, str], dict[str, str]]:
    """What /proc says of a guest at work: its status, and its namespaces."""
    name = f"status-{os.getpid() % 10_000}"
    call = threading.Thread(target=sandbox.attack, args=(WAITING, {"name": name}))
    call.start()
    (pid,) = wait_for(lambda: pids_named(name))
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    namespaces = (
        {link.name: str(link.readlink()) for link in Path(f"/proc/{pid}/ns").iterdir()} if os.geteuid() == 0 else {}
    )
    call.join()
    return {line.split(":")[0]: line.split(":", 1)[1].strip() for line in lines}, namespaces


def test_the_kernel_knows_of_a_privilege(walled: Sandbox) -> None:
    status, _ = kernels_word(walled)
    assert {status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert (status["NoNewPrivs"], status["Seccomp"], status["Threads"]) == ("1", "2", "1")
    outside = str(UNPRIVILEGED_ID if os.geteuid() == 0 else os.geteuid())
    assert status["Uid"].split() == [outside] * 4
    assert status["NSpid"].split()[-1] == "1"
    assert len(status["NSpid"].split()) >= 3
    if os.geteuid() == 0:
        assert status["Groups"] == ""


def test_the_kernels_word_would_show_a_privilege(unwalled: Callable[[frozenset[str]], Sandbox]) -> None:
    status, _ = kernels_word(unwalled(FULL))
    assert status["NoNewPrivs"] == "0"
    assert status["Seccomp"] == "0"


def test_a_namespace_is_shared_with_the_machine(walled: Sandbox) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root may look at the namespaces of a guest")
    _, inside = kernels_word(walled)
    shared = {name for name in inside if inside[name] == str(Path("/proc/self/ns", name).readlink())}
    assert shared <= {"time", "time_for_children"}


def test_a_set_user_id_program_makes_root(walled: Sandbox) -> None:
    """Neither by no_new_privs, nor by the mounts, nor by the user namespace: three walls, none is needed alone."""
    if os.geteuid() != 0:
        pytest.skip("only root can make such a program")
    program = SHOWN / "own-id"
    try:
        shutil.copy("/usr/bin/id", program)
        program.chmod(0o4755)
        control = subprocess.run([program], user=65534, group=65534, capture_output=True, text=True, check=True)
        assert "euid=0" in control.stdout
        told = walled.attack(
            f"import subprocess; return subprocess.check_output(['{program}'], text=True)", allow_programs=True
        )
        assert told.evidence.startswith("uid=1000(script) gid=1000(script)")
        assert "euid" not in told.evidence
    finally:
        program.unlink(missing_ok=True)


def test_clone3_is_unknown_so_that_libraries_fall_back(walled: Sandbox) -> None:
    """Its flags lie in memory, out of the filter's sight: ENOSYS, never EPERM, or threads could not be started."""
    assert walled.attack("return syscall('clone3', 0, 0)").number == 38
    told = walled.attack("import threading; t = threading.Thread(target=int); t.start(); t.join(); return 1")
    assert told.done


def test_the_walls_cannot_be_built_without_no_new_privileges(environment: object) -> None:
    """Taken away, it does not open a hole: the next walls refuse to be built, and so does estudio."""
    from estudio.errors import SandboxBroken

    sandbox = Sandbox(environment, FULL - {"no-new-privileges"}, ahead=0)  # type: ignore[arg-type]
    try:
        with pytest.raises(SandboxBroken, match="landlock_restrict_self"):
            sandbox.attack("return 1")
    finally:
        sandbox.close()
