"""Attempts to find the host's secrets in a guest: in variables, arguments, descriptors, memory."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.sandbox.zygotes import guest_variables

from .attacking import Sandbox, pids_named, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from estudio.modules.warm_pools import ScriptEnvironment

SECRET = f"canary-{secrets.token_hex(16)}"
KEPT = [SECRET.encode()]
"""The host holds it in its memory, as a password would be."""


@pytest.fixture(scope="module")
def after_secret(environment: ScriptEnvironment) -> Iterator[Sandbox]:
    """A sandbox whose host had a secret in its environment variables before anything was started."""
    os.environ["SECRET_CANARY"] = SECRET
    sandbox = Sandbox(environment)
    yield sandbox
    sandbox.close()
    os.environ.pop("SECRET_CANARY", None)


@pytest.fixture(scope="module")
def unwalled_after_secret(environment: ScriptEnvironment) -> Iterator[Sandbox]:
    os.environ["SECRET_CANARY"] = SECRET
    sandbox = Sandbox(environment, frozenset())
    yield sandbox
    sandbox.close()
    os.environ.pop("SECRET_CANARY", None)


def test_a_variable_of_the_host_is_read(after_secret: Sandbox) -> None:
    """The whole environment is estudio's own, down to what C code sees."""
    told = after_secret.attack("""
        LIBC.getenv.restype = ctypes.c_char_p
        assert LIBC.getenv(b'HOME') == os.environ['HOME'].encode()
        return [dict(os.environ), LIBC.getenv(b'SECRET_CANARY')]
    """)
    variables, leaked = told.evidence
    assert leaked is None
    added = {"JOBLIB_MULTIPROCESSING", "JOBLIB_START_METHOD"}
    assert set(variables) - added == set(guest_variables())
    assert SECRET not in str(variables)


def test_the_environment_is_empty_even_without_walls(unwalled_after_secret: Sandbox) -> None:
    told = unwalled_after_secret.attack("return os.environ.get('SECRET_CANARY', '')")
    assert told.evidence == ""


def writable_memory(pid: int) -> bytes:
    """All private writable memory of a process."""
    found = bytearray()
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    with Path(f"/proc/{pid}/mem").open("rb") as memory:
        for line in maps:
            start, end, rights = re.split(r"[- ]", line)[:3]
            if not rights.startswith("rw") or "[v" in line:
                continue
            with contextlib.suppress(OSError, OverflowError):
                memory.seek(int(start, 16))
                found += memory.read(min(int(end, 16) - int(start, 16), 64 << 20))
    return bytes(found)


def test_a_secret_lies_in_a_guests_memory(after_secret: Sandbox) -> None:
    """The host looks itself: through the guest's whole memory, for its own secret, and for that of an earlier call."""
    if os.geteuid() != 0:
        pytest.skip("only root may look into a guest's memory")
    earlier, current = secrets.token_hex(16), secrets.token_hex(16)
    after_secret.attack(f"kept = ['{earlier}' * 10]; return len(kept)")
    name = f"memory-{os.getpid() % 10_000}"
    act = "syscall('prctl', 15, ctypes.c_char_p(given['name'].encode())); time.sleep(1.5); return given['token']"
    call = threading.Thread(target=after_secret.attack, args=(act, {"name": name, "token": current}))
    call.start()
    (pid,) = wait_for(lambda: pids_named(name))
    memory = writable_memory(pid)
    call.join()
    assert current.encode() in memory, "the control: what the guest was told is found"
    assert SECRET.encode() not in memory
    assert earlier.encode() not in memory
    assert KEPT[0] not in memory


def test_the_arguments_of_the_host_are_read(after_secret: Sandbox) -> None:
    told = after_secret.attack("return [sys.argv, getattr(sys, 'orig_argv', [])]")
    own, original = told.evidence
    assert own == ["azuremod.py"]
    assert original[-1].isdigit(), "the zygote's own: the interpreter, its options, its first file, its socket"
    assert not {word for word in sys.orig_argv if len(word) > 3} & set(original)


def test_the_user_is_known(after_secret: Sandbox) -> None:
    """Name, home and groups of the account that runs estudio stay outside."""
    told = after_secret.attack("""
        import getpass, pwd
        return [getpass.getuser(), os.path.expanduser('~'), pwd.getpwuid(os.getuid()).pw_name, os.getgroups()]
    """)
    name, home, account, groups = told.evidence
    assert (name, home, account) == ("script", "/box/home", "script")
    assert set(groups) <= {1000, 65534}


@pytest.mark.parametrize(
    "path",
    [
        "/etc/machine-id",
        "/etc/hostname",
        "/var/lib/dbus/machine-id",
        "/proc/sys/kernel/random/boot_id",
        "/sys/class/dmi/id/product_uuid",
    ],
)
def test_the_machine_is_recognised(after_secret: Sandbox, path: str) -> None:
    assert after_secret.attack(f"return open({path!r}).read()").error == "FileNotFoundError"


def test_the_peer_of_the_connection_is_named(after_secret: Sandbox) -> None:
    """SO_PEERCRED would tell a process number and a user of outside."""
    act = """
        pair = (ctypes.c_int * 3)()
        size = ctypes.c_int(12)
        syscall('getsockopt', descriptors('sock')[0], 1, 17, pair, ctypes.byref(size))
        return list(pair)
    """
    assert after_secret.attack(act).error == "PermissionError"


def test_addresses_of_the_host_are_learned(after_secret: Sandbox, unwalled_after_secret: Sandbox) -> None:
    """Guests of one zygote share its layout (SECURITY.md says so); the host's and other zygotes' differ."""
    act = "return [ctypes.cast(LIBC.getpid, ctypes.c_void_p).value, id(object)]"
    first, second = after_secret.attack(act).evidence, after_secret.attack(act).evidence
    assert first[0] == second[0]
    assert unwalled_after_secret.attack(act).evidence[0] != first[0]
