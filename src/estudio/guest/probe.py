"""Tries each wall once, in a process of its own, and prints what stood as JSON: what `estudio doctor` is told by.

Trying is the only honest answer: a kernel's version or configuration does not say what a container or a policy refuses.
"""

from __future__ import absolute_import, division, print_function

import json
import os
import resource
import struct
import sys

ALLOW_ALL = struct.pack("=HBBI", 6, 0, 0, 0x7FFF0000)


def main(isolation, drop_to):
    """Print one JSON object: for each wall an empty text, or why it cannot be built."""

    def namespace(name):
        def build():
            if drop_to is not None:
                os.setgroups([])
                os.setresgid(drop_to, drop_to, drop_to)
                os.setresuid(drop_to, drop_to, drop_to)
            proc = os.open("/proc", os.O_RDONLY)
            outside = (os.getuid(), os.getgid())
            isolation.allow_own_files()
            isolation.unshare(["user"])
            isolation.map_ids(proc, outside)
            if name != "user":
                isolation.unshare([name])
            if name == "mount":
                isolation.probe_mount()

        return build

    builders = dict((name, namespace(name)) for name in isolation.ZYGOTE_NAMESPACES)
    builders["landlock"] = lambda: _landlock(isolation)
    builders["seccomp"] = lambda: _seccomp(isolation)
    builders["capabilities"] = isolation.drop_capabilities
    builders["no-new-privileges"] = isolation.no_new_privileges
    builders["resource-limits"] = lambda: resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    facts = dict((name, _attempt(build)) for name, build in builders.items())
    print(json.dumps({"walls": facts, "landlock_abi": isolation.landlock_abi()}))


def _landlock(isolation):
    isolation.no_new_privileges()
    isolation.restrict_files([], False, [])


def _seccomp(isolation):
    isolation.no_new_privileges()
    isolation.filter_system_calls(ALLOW_ALL)


def _attempt(build):
    """Build in a child; the reason comes back through a pipe."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            build()
        except BaseException as error:
            os.write(write, str(error).encode("utf-8")[:500] or b"failed")
        os._exit(0)
    os.close(write)
    reason = os.read(read, 1000).decode("utf-8", "replace")
    os.close(read)
    _, status = os.waitpid(child, 0)
    return reason or ("" if status == 0 else "ended with status %d" % status)


if __name__ == "__main__":
    import bootstrap

    main(bootstrap.load(sys.argv[1], "isolation"), int(sys.argv[2]) if sys.argv[2] else None)
