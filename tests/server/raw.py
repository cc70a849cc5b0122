"""Raw connections to a server, for requests that no client library would send."""

from __future__ import annotations

import socket
import time


def connect(url: str, seconds: float = 10.0) -> socket.socket:
    """A connection to the server at this address."""
    host, port = url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), seconds)


def talk(url: str, *parts: bytes, pause_seconds: float = 0.0) -> bytes:
    """Send these parts, then read until the server closes or nothing comes for a second."""
    with connect(url) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause_seconds)
        return read_all(connection)


def read_all(connection: socket.socket, seconds: float = 10.0) -> bytes:
    """What comes until the server closes."""
    connection.settimeout(seconds)
    data = b""
    try:
        while part := connection.recv(65536):
            data += part
    except ConnectionResetError:
        pass
    return data


def status_of(answer: bytes) -> int:
    """The status of the first answer."""
    return int(answer.split(b" ", 2)[1])


def head(length: int | None = None, *lines: str, path: str = "/services/echo/score", key: str = "call-key") -> bytes:
    """A call's head; without a length it is the last request of its connection."""
    given = [f"POST {path} HTTP/1.1", "Host: x", "Content-Type: application/json", *lines]
    if key:
        given.append(f"Authorization: Bearer {key}")
    if length is not None:
        given.append(f"Content-Length: {length}")
    return ("\r\n".join(given) + "\r\n\r\n").encode("latin-1")
