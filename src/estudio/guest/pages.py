"""Makes forks of a zygote cheap: what its interpreter holds moves into one memory file, mapped privately in place.

A fork copies an entry for every page of memory that a process has written, and a guest's end drops each again: with
60 MB of imported packages that is most of both. Pages of a private file mapping are left out: a guest finds them in
the file when it touches them. A change stays its own, as before.

The move happens under the interpreter's feet: no Python code may run between the copy of a page and its new mapping.
So the whole list of system calls is made by a few machine instructions; on a processor that has none here, nothing is
moved and forks cost what they cost.

Only pages that hold Python's objects, the C heap, and the libraries' own data are moved. Other allocators (Arrow's)
drop pages by MADV_DONTNEED and trust that they are zero after it, which pages of a file are not.
"""

from __future__ import absolute_import, division, print_function

import ctypes
import gc
import os
import struct

_RUNNERS = {
    # push rbx; push r12; mov rbx,rdi; mov r12,rsi; next: test r12,r12; je end; mov rax,[rbx]; mov rdi,[rbx+8];
    # mov rsi,[rbx+16]; mov rdx,[rbx+24]; mov r10,[rbx+32]; mov r8,[rbx+40]; mov r9,[rbx+48]; syscall;
    # cmp rax,[rbx+56]; jne end; add rbx,64; dec r12; jmp next; end: mov rax,r12; pop r12; pop rbx; ret
    "x86_64": (
        b"\x53\x41\x54\x48\x89\xfb\x49\x89\xf4\x4d\x85\xe4\x74\x2c\x48\x8b\x03\x48\x8b\x7b\x08\x48\x8b\x73\x10"
        b"\x48\x8b\x53\x18\x4c\x8b\x53\x20\x4c\x8b\x43\x28\x4c\x8b\x4b\x30\x0f\x05\x48\x3b\x43\x38\x75\x09"
        b"\x48\x83\xc3\x40\x49\xff\xcc\xeb\xcf\x4c\x89\xe0\x41\x5c\x5b\xc3"
    ),
}
_NUMBERS = {"x86_64": {"pwrite": 18, "mmap": 9, "memfd_create": 319}}
_RECORD = struct.Struct("=8q")
_PROT_READ, _PROT_WRITE, _PROT_EXEC = 1, 2, 4
_MAP_SHARED, _MAP_PRIVATE, _MAP_FIXED, _MAP_ANONYMOUS = 1, 2, 0x10, 0x20
_FAILED = ctypes.c_void_p(-1).value
PAGE = 4096
GAP_PAGES = 16
"""Pages without objects between two with: an allocator's own, where they are fewer. Others map much more at a time."""
_KEPT_FLAGS = frozenset(["wf", "dc", "gd", "io", "pf", "ht", "lo", "dp"])
"""Memory that a fork treats in its own way: wiped, not copied, growing, locked."""

_libc = ctypes.CDLL(None, use_errno=True)


def move(maps, held):
    """Move this process's pages; `maps`: the text of its /proc/…/smaps. Returns the bytes moved, 0 where it cannot.

    The process must have one thread.
    """
    machine = os.uname()[4]
    if machine not in _RUNNERS or os.sysconf("SC_PAGE_SIZE") != PAGE:
        return 0
    ranges = _ranges(_areas(maps), held)
    size = sum(end - begin for begin, end, _ in ranges)
    descriptor = _libc.syscall(ctypes.c_long(_NUMBERS[machine]["memfd_create"]), b"zygote", ctypes.c_uint(1))
    if descriptor < 0:
        return 0
    try:
        os.ftruncate(descriptor, size)
        return size if _run(machine, _records(machine, ranges, descriptor)) else 0
    finally:
        os.close(descriptor)


def object_pages():
    objects = gc.get_objects()
    pages = set(id(held) // PAGE for held in objects)
    pages.update([id(held) // PAGE for held in gc.get_referents(*objects)])
    return sorted(pages)


def _areas(maps):
    """Private memory that is not code and has pages of its own: (begin, end, protection, name)."""
    areas = []
    for line in maps.splitlines():
        fields = line.split()
        if not fields[0].endswith(":"):
            head = fields
        elif fields[0] == "Anonymous:":
            own = int(fields[1]) > 0
        elif fields[0] == "VmFlags:":
            rights, name = head[1], " ".join(head[5:])
            special = name.startswith("[") and name != "[heap]"
            if own and rights[2:] == "-p" and not special and not _KEPT_FLAGS.intersection(fields[1:]):
                begin, end = [int(part, 16) for part in head[0].split("-")]
                protection = (_PROT_READ if rights[0] == "r" else 0) | (_PROT_WRITE if rights[1] == "w" else 0)
                areas.append((begin, end, protection, name))
    return areas


def _ranges(areas, pages):
    """What to move, as (begin, end, protection): libraries' data and the heap whole, elsewhere where objects lie."""
    ranges = []
    for begin, end, protection, name in areas:
        if name:
            ranges.append((begin, end, protection))
            continue
        inside = [page for page in pages if begin <= page * PAGE < end]
        for first, last in _stretches(inside):
            ranges.append((first * PAGE, (last + 1) * PAGE, protection))
    return ranges


def _stretches(pages):
    """Sorted page numbers → (first, last) of those that lie close together."""
    stretches = []
    for page in pages:
        if stretches and page - stretches[-1][1] <= GAP_PAGES:
            stretches[-1][1] = page
        else:
            stretches.append([page, page])
    return stretches


def _records(machine, ranges, descriptor):
    """The system calls: each is its number, six arguments and the answer without which the rest is not done."""
    numbers, offset, records = _NUMBERS[machine], 0, []
    for begin, end, protection in ranges:
        size = end - begin
        records.append(_RECORD.pack(numbers["pwrite"], descriptor, begin, size, offset, 0, 0, size))
        flags = _MAP_PRIVATE | _MAP_FIXED
        records.append(_RECORD.pack(numbers["mmap"], begin, size, protection, flags, descriptor, offset, begin))
        offset += size
    return records


def _run(machine, records):
    """Make the calls, from memory that is not itself moved. Whether all were made."""
    _libc.mmap.restype = ctypes.c_void_p
    _libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
    content = b"".join(records)
    code = _map(PAGE, _MAP_PRIVATE)
    table = _map(len(content) + PAGE, _MAP_SHARED)
    try:
        if code is None or table is None:
            return False
        ctypes.memmove(code, _RUNNERS[machine], len(_RUNNERS[machine]))
        ctypes.memmove(table, content, len(content))
        if _libc.mprotect(ctypes.c_void_p(code), ctypes.c_size_t(PAGE), _PROT_READ | _PROT_EXEC) < 0:
            return False
        function = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_void_p, ctypes.c_long)(code)
        return function(table, len(records)) == 0
    finally:
        for address, size in ((code, PAGE), (table, len(content) + PAGE)):
            if address is not None:
                _libc.munmap(ctypes.c_void_p(address), ctypes.c_size_t(size))


def _map(size, sharing):
    address = _libc.mmap(None, size, _PROT_READ | _PROT_WRITE, sharing | _MAP_ANONYMOUS, -1, 0)
    return None if address == _FAILED else address
