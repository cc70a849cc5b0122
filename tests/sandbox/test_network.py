"""Attacks over the network, and over everything that is a socket: servers of the host listen, and must hear nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .attacking import Attack, Canary, Sandbox, check_attack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NETWORK = frozenset({"network", "seccomp", "landlock"})
PATHS = frozenset({"mount", "landlock", "seccomp"})
SECCOMP = frozenset({"seccomp"})


def _heard(server: socket.socket) -> bool:
    server.settimeout(0.05)
    try:
        if server.type == socket.SOCK_STREAM:
            server.accept()[0].close()
        else:
            server.recv(100)
    except TimeoutError:
        return False
    return True


@contextlib.contextmanager
def _server(family: int, kind: int, address: object) -> Iterator[Canary]:
    with socket.socket(family, kind) as server:
        server.bind(address)  # type: ignore[arg-type]
        if kind == socket.SOCK_STREAM:
            server.listen()
        name = server.getsockname()
        if isinstance(name, bytes):
            name = name.decode("latin-1")
        yield Canary({"address": name}, lambda: not _heard(server))


def tcp(_: Path) -> contextlib.AbstractContextManager[Canary]:
    return _server(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0))


def tcp6(_: Path) -> contextlib.AbstractContextManager[Canary]:
    return _server(socket.AF_INET6, socket.SOCK_STREAM, ("::1", 0))


def udp(_: Path) -> contextlib.AbstractContextManager[Canary]:
    return _server(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0))


@contextlib.contextmanager
def _by_path(kind: int) -> Iterator[Canary]:
    with tempfile.TemporaryDirectory(prefix="canary-") as folder:
        path = Path(folder, "s")
        path.parent.chmod(0o755)
        with _server(socket.AF_UNIX, kind, str(path)) as canary:
            path.chmod(0o777)
            yield canary


def by_path(_: Path) -> contextlib.AbstractContextManager[Canary]:
    return _by_path(socket.SOCK_STREAM)


def letters_by_path(_: Path) -> contextlib.AbstractContextManager[Canary]:
    return _by_path(socket.SOCK_DGRAM)


def abstract(_: Path) -> contextlib.AbstractContextManager[Canary]:
    return _server(socket.AF_UNIX, socket.SOCK_STREAM, f"\0canary-{os.getpid()}-{time.monotonic_ns()}")


SOCKET = "import socket; socket.socket({0}).close(); return 1"
ATTACKS = [
    Attack(
        "a server on this machine is reached by TCP",
        "import socket; socket.create_connection(given['address'], 2).close(); return 1",
        tcp,
        NETWORK,
    ),
    Attack(
        "a server on this machine is reached by IPv6",
        """
        import socket
        with socket.socket(socket.AF_INET6) as s:
            s.settimeout(2)
            s.connect(tuple(given['address']))
        return 1
        """,
        tcp6,
        NETWORK,
    ),
    Attack(
        "data leave by UDP",
        """
        import socket
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b'stolen', tuple(given['address']))
        return 1
        """,
        udp,
        NETWORK,
        returns_anyway=True,
    ),
    Attack(
        "a web page is fetched",
        """
        import urllib.request
        try:
            urllib.request.urlopen('http://%s:%d/' % tuple(given['address']), timeout=0.5)
        except Exception as error:
            if 'timed out' not in str(error):
                raise OSError(str(error))
        return 1
        """,
        tcp,
        NETWORK,
    ),
    Attack(
        "a service is reached by the path of its socket",
        """
        import socket
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(given['address'])
        return 1
        """,
        by_path,
        PATHS,
    ),
    Attack(
        "a letter is posted to a path through a socket pair",
        """
        import socket
        s, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        s.sendto(b'stolen', given['address'])
        return 1
        """,
        letters_by_path,
        PATHS,
    ),
    Attack(
        "a service is reached by its abstract name",
        """
        import socket
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(given['address'].encode('latin-1'))
        return 1
        """,
        abstract,
        NETWORK,
    ),
    Attack(
        "a port is listened on",
        "import socket; s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); return 1",
        without=NETWORK,
    ),
    Attack(
        "routes and interfaces are read by netlink",
        SOCKET.format("socket.AF_NETLINK, socket.SOCK_RAW"),
        without=SECCOMP,
    ),
    Attack("packets are sniffed", SOCKET.format("socket.AF_PACKET, socket.SOCK_RAW"), as_root=True),
    Attack("raw packets are sent", SOCKET.format("socket.AF_INET, socket.SOCK_RAW, 1"), as_root=True),
    Attack("a unix socket is made", SOCKET.format("socket.AF_UNIX"), without=SECCOMP),
    Attack("an internet socket is made", SOCKET.format("socket.AF_INET"), without=SECCOMP),
    Attack(
        "a socket pair of another family is made",
        "import socket; socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET); return 1",
        without=SECCOMP,
    ),
    Attack(
        "descriptors are sent away",
        """
        import array, socket
        a, b = socket.socketpair()
        socket.send_fds(a, [b'x'], [0])
        return len(socket.recv_fds(b, 1, 1)[1])
        """,
        without=SECCOMP,
    ),
    Attack(
        "the call's own connection is given a public name",
        """
        family = (1).to_bytes(2, sys.byteorder)
        syscall('bind', descriptors('sock')[0], ctypes.c_char_p(family), 2)
        return 1
        """,
        without=SECCOMP,
        refusals=frozenset({"PermissionError"}),
    ),
    Attack(
        "the host is stolen a handle of its zygote through the connection",
        """
        value, size = ctypes.c_int(-1), ctypes.c_int(4)
        syscall('getsockopt', descriptors('sock')[0], 1, 77, ctypes.byref(value), ctypes.byref(size))
        return value.value
        """,
        without=SECCOMP,
    ),
    Attack(
        "the kernel's urgent bytes are reached",
        """
        import socket
        a, b = socket.socketpair()
        a.send(b'x', socket.MSG_OOB)
        return b.recv(1, socket.MSG_OOB).decode()
        """,
        without=SECCOMP,
    ),
    Attack(
        "the machine's real name is learned",
        """
        import platform, socket
        if given['name'] not in (platform.node(), os.uname().nodename, socket.gethostname()):
            raise Nothing()
        return given['name']
        """,
        lambda _: contextlib.nullcontext(Canary({"name": socket.gethostname()})),
        frozenset({"uts"}),
    ),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_harm(attack: Attack, walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], tmp_path: Path) -> None:
    check_attack(attack, walled, unwalled, tmp_path)


@pytest.mark.parametrize(
    ("family", "what"), [(40, "the virtual machine's host"), (38, "the kernel's ciphers"), (44, "express data paths")]
)
def test_a_family_that_no_namespace_holds_is_reached(walled: Sandbox, family: int, what: str) -> None:
    """Refused by the filter: whether or not this kernel knows the family."""
    told = walled.attack(f"import socket; socket.socket({family}, 3).close(); return {what!r}")
    assert told.error == "PermissionError", told


def test_every_family_of_sockets_is_refused(walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox]) -> None:
    act = """
        answers = set()
        for family in range(50):
            for kind in (1, 2, 3, 5):
                try:
                    os.close(syscall('socket', family, kind, 0))
                    answers.add(0)
                except OSError as error:
                    answers.add(error.errno)
        return sorted(answers)
    """
    assert walled.attack(act).evidence == [1]
    assert 0 in unwalled(SECCOMP).attack(act).evidence


def test_a_name_is_looked_up(walled: Sandbox) -> None:
    """Fails at once and asks nobody; only the name that is in the sandbox's own list is known."""
    act = """
        import socket
        start = time.time()
        try:
            socket.getaddrinfo(given['name'], 80)
        except OSError as error:
            return [error.strerror, time.time() - start]
        return ['found', time.time() - start]
    """
    word, seconds = walled.attack(act, {"name": "estudio.example"}).evidence
    assert word != "found"
    assert seconds < 5
    assert walled.attack(act, {"name": "localhost"}).evidence[0] == "found"


def test_a_server_hears_nothing_of_a_whole_library_that_tries(walled: Sandbox) -> None:
    """Not the error counts, but that no packet arrives."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        told = walled.attack(f"""
            import pandas
            try:
                pandas.read_csv('http://127.0.0.1:{port}/x.csv')
            except Exception as error:
                raise OSError(str(error))
            return 1
        """)
        assert not told.done
        assert not _heard(server)
