"""Attacks on the machine's files: reading, changing, planting, and leaving by a path."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from estudio.sandbox.zygotes import UNPRIVILEGED_ID
from estudio.tables.table import Table

from .attacking import FULL, Attack, Canary, Sandbox, check_attack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SECRET = "the owl flies at 7"
FILES = frozenset({"mount", "landlock"})


@contextlib.contextmanager
def secret_file(_: Path) -> Iterator[Canary]:
    """A file that everybody on the machine may read and write."""
    with tempfile.TemporaryDirectory(prefix="canary-") as name:
        yield _secret_in(Path(name))


def _secret_in(folder: Path) -> Canary:
    folder.chmod(0o777)
    path = folder / "secret.txt"
    path.write_text(SECRET)
    path.chmod(0o666)
    facts = {"path": str(path), "folder": str(folder), "top": str(folder.parent)}

    def unharmed() -> bool:
        return [*folder.iterdir()] == [path] and path.read_text() == SECRET and path.stat().st_mode & 0o7777 == 0o666

    return Canary(facts, unharmed)


@contextlib.contextmanager
def secret_to_read(folder: Path) -> Iterator[Canary]:
    """The same, where only reading counts."""
    with secret_file(folder) as canary:
        yield Canary(canary.facts)


@contextlib.contextmanager
def shared_memory_file(_: Path) -> Iterator[Canary]:
    path = Path("/dev/shm") / f"canary-{os.getpid()}"
    path.write_text(SECRET)
    path.chmod(0o666)
    try:
        yield Canary({"path": str(path)})
    finally:
        path.unlink()


READ = "assert open(given['path']).read(); return open(given['path']).read()"
ATTACKS = [
    Attack("a file of the machine is read", READ, secret_to_read, FILES),
    Attack(
        "the machine's accounts are read",
        """
        names = [line.split(':')[0] for line in open('/etc/passwd')]
        if 'root' not in names:
            raise Nothing(names)
        return names
        """,
        without=FILES,
    ),
    Attack("the password hashes are read", "return open('/etc/shadow').read()[:4]", without=FULL, as_root=True),
    Attack("a folder of the machine is listed", "return os.listdir(given['folder'])", secret_to_read, FILES),
    Attack(
        "the private files are found by climbing",
        """
        path = os.path.join(os.getcwd(), '../' * 50 + given['path'].lstrip('/'))
        return open(path).read()
        """,
        secret_to_read,
        FILES,
    ),
    Attack(
        "a link leads out of the working folder",
        "os.symlink(given['path'], 'link'); return open('link').read()",
        secret_to_read,
        FILES,
    ),
    Attack(
        "a file of the machine is linked into the working folder",
        "os.link(given['path'], os.path.join(given['folder'], 'hard')); return 1",
        secret_file,
        FILES,
    ),
    Attack("a file of the machine is overwritten", "open(given['path'], 'w').write('x'); return 1", secret_file, FILES),
    Attack("a file is planted on the machine", "open(given['folder'] + '/x', 'w'); return 1", secret_file, FILES),
    Attack("a file of the machine is deleted", "os.unlink(given['path']); return 1", secret_file, FILES),
    Attack("a file of the machine is cut", "os.truncate(given['path'], 0); return 1", secret_file, FILES),
    Attack(
        "a file of the machine is renamed",
        "os.rename(given['path'], given['path'] + 'x'); return 1",
        secret_file,
        FILES,
    ),
    Attack(
        "permissions of a file of the machine are changed", "os.chmod(given['path'], 0o4777); return 1", secret_file
    ),
    Attack("a link is planted on the machine", "os.symlink('/', given['folder'] + '/x'); return 1", secret_file, FILES),
    Attack("a pipe is planted on the machine", "os.mkfifo(given['folder'] + '/x'); return 1", secret_file, FILES),
    Attack("the machine's shared memory is read", READ, shared_memory_file, FILES),
    Attack("the process's own memory file is opened", "return len(open('/proc/self/mem', 'rb').name)"),
    Attack("the process's start environment is read", "return len(open('/proc/self/environ', 'rb').read())"),
    Attack(
        "the root of another process is entered",
        "return open('/proc/self/root' + given['path']).read()",
        secret_to_read,
        without=FULL,
    ),
    Attack("the kernel's settings are read", "return open('/proc/sys/kernel/hostname').read()"),
    Attack("devices and drivers are looked through", "return os.listdir('/sys/class')"),
    Attack(
        "a device of the machine is there",
        """
        allowed = {'null', 'zero', 'full', 'random', 'urandom', 'shm'}
        found = []
        for name in set(os.listdir('/dev') if os.access('/dev', os.R_OK) else []) | set(given['devices']):
            if name not in allowed and os.path.lexists('/dev/' + name):
                found.append(name)
        if not found:
            raise Nothing()
        return found
        """,
        lambda _: contextlib.nullcontext(Canary({"devices": [path.name for path in Path("/dev").iterdir()]})),
        FILES,
    ),
    Attack("a device node is made", "os.mknod('node', 0o20666, os.makedev(1, 3)); return 1", as_root=True),
    Attack("a block device node is made", "os.mknod('disk', 0o60666, os.makedev(7, 0)); return 1", as_root=True),
    Attack(
        "an old root is returned to by chroot",
        """
        os.mkdir('jail')
        os.chroot('jail')
        for _ in range(50):
            os.chdir('..')
        os.chroot('.')
        return open(given['path']).read()
        """,
        secret_to_read,
        as_root=True,
    ),
    Attack(
        "a file is opened by its handle, past all paths",
        """
        handle = ctypes.create_string_buffer(136)
        handle[0:4] = (128).to_bytes(4, sys.byteorder)
        mount = ctypes.c_int()
        syscall('name_to_handle_at', -100, ctypes.c_char_p(b'/usr/lib'), handle, ctypes.byref(mount), 0)
        return mount.value
        """,
        without=frozenset({"seccomp"}),
    ),
    Attack(
        "a folder outside is watched",
        "return syscall('inotify_init1', 0)",
        without=frozenset({"seccomp"}),
    ),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_harm(attack: Attack, walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], tmp_path: Path) -> None:
    check_attack(attack, walled, unwalled, tmp_path)


# --- what a guest is handed ------------------------------------------------------------------------------------------

WRITE_TO_ALL = """
import mmap
done = []
for number in descriptors('file'):
    if os.fstat(number).st_size != given['size']:
        continue
    for name, act in (
        ('write', lambda: os.pwrite(number, b'x', 0)),
        ('cut', lambda: os.ftruncate(number, 0)),
        ('grow', lambda: os.ftruncate(number, given['size'] + 1)),
        ('map', lambda: mmap.mmap(number, 0, mmap.MAP_SHARED, mmap.PROT_WRITE)),
        ('punch', lambda: os.posix_fallocate(number, given['size'], 1)),
    ):
        try:
            act()
            done.append(name)
        except OSError:
            pass
if not descriptors('file'):
    raise Nothing()
return done
"""


def test_a_dataset_is_changed_under_the_host(walled: Sandbox) -> None:
    table = Table.from_arrow(pa.table({"a": list(range(50_000))}))
    sizes = walled.attack(
        "return [os.fstat(number).st_size for number in descriptors('file')]", tables=(table,)
    ).evidence
    told = walled.attack(WRITE_TO_ALL, {"size": min(sizes)}, tables=(table,))
    assert told.evidence == []
    assert table.to_arrow().column("a").to_pylist() == list(range(50_000))
    control = walled.attack(WRITE_TO_ALL, {"size": max(sizes)}, tables=(table,))
    assert control.evidence == ["write", "map"], "the result file can be written, of course"


BY_DESCRIPTOR = """
done = []
for number in descriptors('file'):
    if os.fstat(number).st_size != given['size']:
        continue
    times = (ctypes.c_long * 4)(1, 0, 1, 0)
    for name, act in (
        ('mode', lambda: syscall('fchmodat2', number, ctypes.c_char_p(b''), 0o777, 0x1000)),
        ('fchmod', lambda: os.fchmod(number, 0o777)),
        ('times', lambda: syscall('utimensat', number, ctypes.c_char_p(b''), times, 0x1000)),
        ('owner', lambda: os.fchown(number, 1000, 1000)),
        ('attribute', lambda: syscall('fsetxattr', number, ctypes.c_char_p(b'user.x'), ctypes.c_char_p(b'x'), 1, 0)),
        ('write', lambda: os.pwrite(number, b'x', 0)),
    ):
        try:
            act()
            done.append(name)
        except OSError as error:
            if error.errno == errno.ENOSYS:
                done.append(name + ' unknown')
return done
"""


def test_a_bundle_of_the_same_user_is_changed_by_its_descriptor(
    walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], tmp_path: Path
) -> None:
    """As an ordinary user a guest *is* the owner of the bundle's file, outside."""
    bundle = tmp_path / "bundle.zip"
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("x.py", "")
    if os.geteuid() == 0:
        os.chown(bundle, UNPRIVILEGED_ID, UNPRIVILEGED_ID)
    bundle.chmod(0o600)
    before = (bundle.stat().st_mode, bundle.stat().st_mtime_ns, bundle.read_bytes())
    given = {"size": len(before[2])}
    assert walled.attack(BY_DESCRIPTOR, given, bundle=bundle).evidence == []
    assert (bundle.stat().st_mode, bundle.stat().st_mtime_ns, bundle.read_bytes()) == before
    control = unwalled(frozenset({"seccomp"})).attack(BY_DESCRIPTOR, given, bundle=bundle)
    assert {"fchmod", "times"} <= set(control.evidence)
    assert bundle.stat().st_mode != before[0]


def test_a_descriptor_of_the_host_is_inherited(walled: Sandbox) -> None:
    """The connection, the result, and what the call was given: no folder, no pipe, no file else."""
    with tempfile.TemporaryFile() as held:
        os.set_inheritable(held.fileno(), True)
        act = "return [[n, os.fstat(n).st_mode >> 12] for n in descriptors('any')]"
        kinds = [kind for _, kind in walled.attack(act).evidence]
        assert sorted(kinds) == [0o10, 0o14]
        table = Table.from_arrow(pa.table({"a": [1]}))
        kinds = [kind for _, kind in walled.attack(act, tables=(table,)).evidence]
        assert sorted(kinds) == [0o10, 0o10, 0o14]
        control = walled.attack("leaked = os.open('/dev', os.O_PATH)\n" + act)
        assert 0o4 in [kind for _, kind in control.evidence]


def test_the_standard_descriptors_lead_nowhere(walled: Sandbox) -> None:
    told = walled.attack(
        "return [os.fstat(n).st_mode >> 12 for n in (0, 1, 2)] + [os.fstat(0).st_rdev, len(os.read(0, 9))]"
    )
    assert told.evidence == [0o2, 0o1, 0o1, os.makedev(1, 3), 0]
    refused = walled.attack("return os.read(1, 1)")
    assert refused.number == errno.EBADF


def png_link(target: Path) -> str:
    return f"import os\nos.symlink({str(target)!r}, 'x.png')\ndef azureml_main():\n    return None"


def test_a_picture_that_is_a_link_shows_another_file(
    walled: Sandbox, unwalled: Callable[[frozenset[str]], Sandbox], tmp_path: Path
) -> None:
    """Neither the guest nor the host follows it, with walls or without."""
    tmp_path.chmod(0o755)
    png = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"
    png += b"\0\0\0\nIDATx\x9cc`\0\0\0\2\0\1H\xaf\xa4q\0\0\0\0IEND\xaeB`\x82"
    (tmp_path / "private.png").write_bytes(png)
    for sandbox in (walled, unwalled(FULL)):
        assert sandbox.run(png_link(tmp_path / "private.png")).visualization.images == ()
    script = f"open('x.png', 'wb').write({png!r})\ndef azureml_main():\n    return None"
    (image,) = walled.run(script).visualization.images
    assert image.png == png


def test_the_working_folder_is_taken_away(walled: Sandbox) -> None:
    """The host collects nothing by path, so nothing can be missing."""
    outcome = walled.run("""
        import os, shutil, pandas
        def azureml_main():
            open('x', 'w')
            shutil.rmtree('.', ignore_errors=True)
            os.chdir('/box/tmp')
            os.rename('/box/work', '/box/elsewhere')
            os.symlink('/usr', '/box/work')
            return pandas.DataFrame({'a': [1]})
    """)
    assert outcome.finished
    assert walled.attack("return os.listdir('/box')").evidence


def test_a_place_is_writable_beside_the_calls_own(walled: Sandbox) -> None:
    """Every folder that can be seen, tried: only /box takes a file."""
    told = walled.attack(
        """
        found = []
        roots = [given['environment'], '/usr/lib', '/usr/bin', '/etc', '/dev', '/', '/lib', sys.prefix, sys.base_prefix]
        for root in roots + ['/box']:
            for place, folders, _ in os.walk(root):
                try:
                    os.close(os.open(os.path.join(place, 'planted'), os.O_WRONLY | os.O_CREAT))
                    found.append(place)
                except OSError:
                    pass
                if place.count('/') > root.count('/') + 2:
                    del folders[:]
        return found
    """,
        {"environment": "/usr/share"},
    )
    assert told.evidence
    assert [place for place in told.evidence if not place.startswith("/box/")] == ["/box"]
