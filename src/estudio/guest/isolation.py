"""The walls that a process builds around itself, by the kernel's own calls.

Order matters: a wall that is put up too early keeps the next one from being built, one that comes too late is
open for a moment. `enter_zygote_walls` is the outer wall (once), `confine_guest` the inner one (each call).
Which walls stand is data from the host (`config["walls"]`); a wall that cannot be built is an error, never skipped.
"""

from __future__ import absolute_import, division, print_function

import ctypes
import os
import resource
import signal
import struct

CLONE = {
    "mount": 0x00020000,
    "cgroup-namespace": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "network": 0x40000000,
}
ZYGOTE_NAMESPACES = ("user", "mount", "pid", "network", "ipc", "uts", "cgroup-namespace")
GUEST_NAMESPACES = ("mount", "network", "ipc", "uts")

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_BIND, MS_REC, MS_PRIVATE = 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_FDCWD, AT_EMPTY_PATH, AT_RECURSIVE = -100, 0x1000, 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV = 1, 2, 4
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
O_PATH = 0x200000
O_CLOEXEC = 0x80000

INSIDE_ID = 1000
"""The user and group number that a script sees."""
BOX = "/box"
"""The one writable place: `work` (the current directory), `tmp`, `home`, `shm`."""
WORK = BOX + "/work"
BUNDLE = WORK + "/Script Bundle"
STAGE = "/sys"
"""Where the new root is put together: a folder that every Linux has and that nothing shown inside lies in."""
DEVICES = ("null", "zero", "full", "random", "urandom")
ETC_FILES = ("ld.so.cache", "localtime", "fonts", "mime.types")
FILES_OPEN = 1024

_NUMBERS = {
    "x86_64": {
        "pivot_root": 155, "capset": 126, "close_range": 436, "pidfd_open": 434, "mount_setattr": 442,
        "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446,
    },
    "aarch64": {
        "pivot_root": 41, "capset": 91, "close_range": 436, "pidfd_open": 434, "mount_setattr": 442,
        "landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446,
    },
}  # fmt: skip

_libc = ctypes.CDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long
_numbers = _NUMBERS.get(os.uname()[4], {})


class WallFailed(Exception):
    """A wall could not be built: which one, at which step, and the kernel's error number."""

    def __init__(self, wall, step, number):
        Exception.__init__(self, "%s: %s: %s" % (wall, step, os.strerror(number)))
        self.wall, self.step, self.number = wall, step, number


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape")


def _check(result, wall, step):
    if result < 0:
        raise WallFailed(wall, step, ctypes.get_errno())
    return result


def _call(wall, name, *arguments):
    number = _numbers.get(name)
    if number is None:
        raise WallFailed(wall, name, 38)
    return _check(_syscall(ctypes.c_long(number), *[_wide(a) for a in arguments]), wall, name)


def _wide(argument):
    return ctypes.c_long(argument) if isinstance(argument, int) else argument


def _mount(source, target, kind, flags, data=None):
    result = _libc.mount(
        _bytes(source), _bytes(target), None if kind is None else _bytes(kind),
        ctypes.c_ulong(flags), None if data is None else _bytes(data),
    )  # fmt: skip
    _check(result, "mount", "mount %s" % target)


def unshare(names):
    """Leave the shared namespaces of these names, in one step."""
    flags = 0
    for name in names:
        flags |= CLONE[name]
    if flags:
        _check(_libc.unshare(ctypes.c_int(flags)), "+".join(names), "unshare")


def enter_namespace(descriptor, name):
    """Make the namespace behind `descriptor` the one of this process (for pid: of its next children)."""
    _check(_libc.setns(ctypes.c_int(descriptor), ctypes.c_int(CLONE[name])), name, "setns")


def pidfd_open(pid):
    """A descriptor of a process, which cannot come to mean another one."""
    return _call("pid", "pidfd_open", pid, 0)


def die_with_parent():
    """Ask the kernel for SIGKILL when the parent ends."""
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "pid", "parent-death signal")


def close_all_but(kept):
    """Close every descriptor above 2 that is not in `kept`."""
    first = 3
    for descriptor in sorted(kept):
        if descriptor > first:
            _close_range(first, descriptor - 1)
        first = max(first, descriptor + 1)
    _close_range(first, 0xFFFFFFFF)


def _close_range(first, last):
    _call("descriptors", "close_range", first, last, 0)


# --- the outer wall ---------------------------------------------------------------------------------------------


def enter_zygote_walls(config):
    """Build the outer wall around this process; its next child is pid 1 of the new pid namespace.

    `config`: `walls` (names), `readonly` (paths that stay visible), `drop_to` (uid and gid to become when started
    by root, else None), `networks` (how many empty network namespaces to make for guests). Returns descriptors of
    those.
    """
    walls = config["walls"]
    namespaces = [name for name in ZYGOTE_NAMESPACES if name in walls]
    proc = os.open("/proc", os.O_RDONLY | O_CLOEXEC)
    if config["drop_to"] is not None:
        if "mount" in walls:
            unshare(["mount"])
            _build_root(config["readonly"])
        _become(config["drop_to"])
    outside = (os.getuid(), os.getgid())
    unshare(namespaces)
    if "user" in namespaces:
        map_ids(proc, outside)
    if config["drop_to"] is None and "mount" in walls:
        _build_root(config["readonly"])
    if "uts" in walls:
        _check(_libc.sethostname(b"estudio", ctypes.c_size_t(7)), "uts", "sethostname")
    networks = _make_networks(proc, config["networks"]) if "network" in walls else []
    os.close(proc)
    return networks


def _make_networks(proc, count):
    """Empty network namespaces for guests to enter, one guest at a time.

    Nothing can be left in one: a guest has neither a socket nor the right to change a device. Making and removing one
    takes the kernel a millisecond, entering one nothing.
    """
    own = _open_below(proc, "self/ns/net", os.O_RDONLY)
    networks = []
    for _ in range(count):
        unshare(["network"])
        networks.append(_open_below(proc, "self/ns/net", os.O_RDONLY))
    enter_namespace(own, "network")
    os.close(own)
    return networks


def _open_below(folder, name, flags):
    opened = _libc.openat(ctypes.c_int(folder), _bytes(name), ctypes.c_int(flags | O_CLOEXEC))
    return _check(opened, "user", name)


def _become(number):
    os.setgroups([])
    if hasattr(os, "setresgid"):
        os.setresgid(number, number, number)
        os.setresuid(number, number, number)
    allow_own_files()


def allow_own_files():
    """A process that changed its user may not open its own /proc files until it says that it may."""
    _check(_libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), "user", "dumpable")


def map_ids(proc, outside):
    """Make the outside user and group known inside a fresh user namespace; `proc`: a descriptor of /proc."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (INSIDE_ID, outside[0])),
        ("gid_map", "%d %d 1" % (INSIDE_ID, outside[1])),
    ):
        descriptor = _open_below(proc, "self/" + name, os.O_WRONLY)
        try:
            os.write(descriptor, text.encode("ascii"))
        except OSError as error:
            raise WallFailed("user", name, error.errno)
        finally:
            os.close(descriptor)


def _build_root(readonly):
    """A new root of read-only views and an empty place for each guest's own; the old one is out of reach after."""
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    stage = STAGE
    _mount("estudio", stage, "tmpfs", MS_NOSUID | MS_NODEV, "size=4m,nr_inodes=2048,mode=755")
    for path in _with_system(readonly):
        _bind(path, stage)
    for folder in ("/dev", "/etc", BOX):
        _folders(stage + folder)
    for name in DEVICES:
        open(stage + "/dev/" + name, "w").close()
        _mount("/dev/" + name, stage + "/dev/" + name, None, MS_BIND)
    os.symlink(BOX + "/shm", stage + "/dev/shm")
    if not os.path.lexists(stage + "/tmp"):
        os.symlink(BOX + "/tmp", stage + "/tmp")
    _write_etc(stage + "/etc")
    os.chdir(stage)
    _call("mount", "pivot_root", ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))
    _check(_libc.umount2(b".", MNT_DETACH), "mount", "umount old root")
    os.chdir("/")
    _mount("none", "/", None, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)


def _with_system(readonly):
    """The paths to show, parents before children, none below another one."""
    system = ["/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/bin", "/usr/share/zoneinfo", "/usr/share/fonts",
              "/lib", "/lib32", "/lib64", "/bin"]  # fmt: skip
    system += ["/etc/" + name for name in ETC_FILES]
    chosen = []
    for path in sorted(set(system + list(readonly)), key=lambda p: (p.count("/"), p)):
        if os.path.lexists(path) and not any(path.startswith(above + "/") for above in chosen):
            chosen.append(path)
    return chosen


def _bind(path, stage):
    target = stage + path
    _folders(os.path.dirname(target))
    if os.path.islink(path) and os.path.isdir(path):
        os.symlink(os.readlink(path), target)
        return
    if os.path.isdir(path):
        _folders(target)
    else:
        open(target, "w").close()
    _mount(path, target, None, MS_BIND | MS_REC)
    attributes = struct.pack("=QQQQ", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, 0, 0, 0)
    _call("mount", "mount_setattr", AT_FDCWD, ctypes.c_char_p(_bytes(target)), AT_RECURSIVE,
          ctypes.c_char_p(attributes), len(attributes))  # fmt: skip


def _folders(path):
    if not os.path.isdir(path):
        _folders(os.path.dirname(path))
        os.mkdir(path, 0o755)


def _write_etc(folder):
    contents = {
        "passwd": "script:x:%d:%d::%s/home:/bin/false\n" % (INSIDE_ID, INSIDE_ID, BOX),
        "group": "script:x:%d:\n" % INSIDE_ID,
        "hosts": "127.0.0.1 localhost\n",
        "nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    }
    for name, text in contents.items():
        with open(folder + "/" + name, "w") as stream:
            stream.write(text)


def probe_mount():
    """Try what the private root needs: a file system of its own, and read-only views."""
    _mount("none", "/", None, MS_REC | MS_PRIVATE)
    _mount("estudio", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m")
    _bind("/usr/lib", STAGE)
    os.chdir(STAGE)
    _call("mount", "pivot_root", ctypes.c_char_p(b"."), ctypes.c_char_p(b"."))


# --- the inner wall ---------------------------------------------------------------------------------------------


def open_landlock_paths(readonly):
    """Descriptors of what guests may read, opened once in the zygote: a guest's own ruleset is made from them."""
    paths = _with_system(readonly) + ["/etc"] + ["/dev/" + name for name in DEVICES]
    return [(os.open(path, O_PATH | O_CLOEXEC), path) for path in paths if os.path.exists(path)]


def make_box(disk_bytes):
    """Give this process a private writable place of at most `disk_bytes`, and make it the current directory."""
    options = "size=%d,nr_inodes=65536,mode=700" % disk_bytes
    _mount("box", BOX, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, options)
    for name in ("work", "tmp", "home", "shm"):
        os.mkdir(BOX + "/" + name, 0o700)
    os.mkdir(BUNDLE, 0o700)
    # Compiled modules of a bundle are mapped executable, so this view of the same file system (one quota for both)
    # cannot be noexec; programs are refused anyway.
    _mount(BUNDLE, BUNDLE, None, MS_BIND)
    _mount("none", BUNDLE, None, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV)
    os.chdir(WORK)


def limit_resources(processes):
    """The limits that hold from before the first line of a script; those of one call come with the call."""
    for which, most in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_NOFILE, FILES_OPEN),
        (resource.RLIMIT_NPROC, processes),
        (getattr(resource, "RLIMIT_MSGQUEUE", 12), 0),
        (getattr(resource, "RLIMIT_NICE", 13), 0),
        (getattr(resource, "RLIMIT_RTPRIO", 14), 0),
    ):
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))


def limit_call(address_bytes, cpu_seconds, file_bytes):
    """The limits of one call: address space, CPU time of one process (None: not limited), size of one file."""
    chosen = [(resource.RLIMIT_FSIZE, file_bytes)]
    if cpu_seconds is not None:
        chosen.append((resource.RLIMIT_CPU, cpu_seconds))
    if address_bytes is not None:
        chosen.append((resource.RLIMIT_AS, address_bytes))
    for which, most in chosen:
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (most, most))


def drop_capabilities():
    """Empty all capability sets, for good."""
    for number in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0:
            break
    _check(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "capabilities", "ambient")
    header = struct.pack("=II", 0x20080522, 0)
    _call("capabilities", "capset", ctypes.c_char_p(header), ctypes.c_char_p(b"\0" * 24))


def forbid_core_dumps():
    """A crash is handed to no core dump handler: those run as root outside, on memory that the script chose."""
    _check(_libc.prctl(PR_SET_DUMPABLE, 0, 0, 0, 0), "capabilities", "dumpable")


def no_new_privileges():
    """No program that is started can have more rights than this process."""
    _check(_libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no-new-privileges", "prctl")


_READ = 1 << 2 | 1 << 3
_EXECUTE = 1 << 0
_WRITE_FILE = 1 << 1
_FILE_ONLY = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14
_NEVER = 1 << 6 | 1 << 11 | 1 << 9
"""Character and block devices and sockets are made nowhere."""


def landlock_abi():
    """The kernel's Landlock version, 0 where there is none."""
    number = _numbers.get("landlock_create_ruleset")
    if number is None:
        return 0
    return max(0, _syscall(ctypes.c_long(number), None, ctypes.c_size_t(0), ctypes.c_uint(1)))


def restrict_files(read_paths, programs, writable):
    """Landlock: read the given paths, write the given folders, connect nowhere, signal and reach nobody outside."""
    abi = landlock_abi()
    if abi < 1:
        raise WallFailed("landlock", "not in this kernel", 38)
    handled = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)) - 1
    attributes = struct.pack("=QQQ", handled, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 8 if abi < 4 else 16 if abi < 6 else 24
    ruleset = _call("landlock", "landlock_create_ruleset", ctypes.c_char_p(attributes), size, 0)
    for descriptor, path in read_paths:
        device = path.startswith("/dev/")
        rights = _READ | (_WRITE_FILE if device else _EXECUTE if programs else 0)
        if device or not os.path.isdir(path):
            rights &= _FILE_ONLY
        _add_rule(ruleset, rights & handled, descriptor)
    for folder in writable:
        descriptor = os.open(folder, O_PATH | O_CLOEXEC)
        _add_rule(ruleset, handled & ~(_NEVER | (0 if programs else _EXECUTE)), descriptor)
        os.close(descriptor)
    _call("landlock", "landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _add_rule(ruleset, rights, descriptor):
    rule = struct.pack("=Qi", rights, descriptor)
    _call("landlock", "landlock_add_rule", ruleset, 1, ctypes.c_char_p(rule), 0)


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def filter_system_calls(program):
    """Install a seccomp filter: `program` is the compiled BPF of the policy, 8 bytes an instruction."""
    described = _Program(len(program) // 8, program)
    _check(_libc.prctl(PR_SET_SECCOMP, 2, ctypes.byref(described), 0, 0), "seccomp", "prctl")
