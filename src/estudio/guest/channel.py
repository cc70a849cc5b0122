"""Messages with descriptors over Unix sockets, on raw descriptor numbers.

Raw, because a guest closes everything that it inherited: a socket object of the zygote would later close a number
that means something else by then. By ctypes, because Python 2.7 has neither sendmsg nor recvmsg.
"""

from __future__ import absolute_import, division, print_function

import ctypes
import errno
import os
import struct

AF_UNIX, SOL_SOCKET, SCM_RIGHTS = 1, 1, 1
SOCK_STREAM, SOCK_SEQPACKET = 1, 5
MSG_CMSG_CLOEXEC, MSG_NOSIGNAL = 0x40000000, 0x4000
MAX_DESCRIPTORS = 16

_libc = ctypes.CDLL(None, use_errno=True)


class _Part(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class _Message(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_void_p),
        ("name_length", ctypes.c_uint),
        ("parts", ctypes.POINTER(_Part)),
        ("part_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_length", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    ]


_libc.sendmsg.restype = ctypes.c_ssize_t
_libc.recvmsg.restype = ctypes.c_ssize_t


def _retry(function, *arguments):
    while True:
        result = function(*arguments)
        if result >= 0:
            return result
        number = ctypes.get_errno()
        if number != errno.EINTR:
            raise OSError(number, os.strerror(number))


def _message(data, control):
    part = _Part(ctypes.cast(data, ctypes.c_void_p), len(data))
    message = _Message()
    message.parts, message.part_count = ctypes.pointer(part), 1
    if control is not None:
        message.control, message.control_length = ctypes.cast(control, ctypes.c_void_p), len(control)
    return message


def socket_pair(kind=SOCK_STREAM):
    """Two connected sockets, as descriptor numbers."""
    pair = (ctypes.c_int * 2)()
    _retry(_libc.socketpair, AF_UNIX, kind, 0, pair)
    return pair[0], pair[1]


def send_with_descriptors(descriptor, payload, passed):
    """Send `payload` (bytes) and descriptors in one message."""
    data = ctypes.create_string_buffer(payload, len(payload))
    rights = struct.pack("=%di" % len(passed), *passed)
    header = struct.pack("=Qii", 16 + len(rights), SOL_SOCKET, SCM_RIGHTS)
    packed = header + rights
    packed += b"\0" * (-len(packed) % 8)
    control = ctypes.create_string_buffer(packed, len(packed)) if passed else None
    _retry(_libc.sendmsg, descriptor, ctypes.byref(_message(data, control)), MSG_NOSIGNAL)


def receive_with_descriptors(descriptor, size):
    """Receive up to `size` bytes and the descriptors that came with them; (b"", []) at the end of the stream."""
    data = ctypes.create_string_buffer(size)
    control = ctypes.create_string_buffer(16 + 4 * MAX_DESCRIPTORS + 8)
    message = _message(data, control)
    got = _retry(_libc.recvmsg, descriptor, ctypes.byref(message), MSG_CMSG_CLOEXEC)
    received = []
    if message.control_length >= 16:
        length, level, kind = struct.unpack_from("=Qii", control.raw)
        if level == SOL_SOCKET and kind == SCM_RIGHTS:
            received = list(struct.unpack_from("=%di" % ((length - 16) // 4), control.raw, 16))
    return data.raw[:got], received


def read_exactly(descriptor, size):
    """Read `size` bytes; raises EOFError where the other side closed before."""
    parts = []
    while size:
        part = os.read(descriptor, min(size, 1 << 20))
        if not part:
            raise EOFError("the other side closed the channel")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def write_all(descriptor, payload):
    """Write all of `payload`."""
    view = memoryview(payload)
    while len(view):
        view = view[os.write(descriptor, view[: 1 << 20].tobytes()) :]
