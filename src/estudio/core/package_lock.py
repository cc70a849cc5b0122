"""A lock: every package of an environment with its exact version, and with digests where the locker wrote them.

The text is handed to an installer, which would also follow options and addresses in it: nothing but names, versions,
markers and hashes is let through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from estudio.errors import InvalidDocument

MAX_LOCK_CHARACTERS = 4 * 1024 * 1024
"""The built-in environment's lock with all its hashes has 200 thousand."""

_PACKAGE = re.compile(
    r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>[A-Za-z0-9.+!_-]+)"
    r"(?:\s*;\s*(?P<marker>[A-Za-z0-9_.'\"<>=!~(), *+-]+?))?(?P<hashes>(?:\s+--hash=sha256:[0-9a-f]{64})*)",
    re.ASCII,
)
_SEPARATORS = re.compile(r"[-_.]+")


@dataclass(frozen=True, slots=True)
class LockedPackage:
    """One version of one package; `marker` says where it counts, `hashed` whether its files' digests are known."""

    name: str
    version: str
    marker: str = ""
    hashed: bool = False


def package_name(name: str) -> str:
    """The normalised name: `Scikit_Learn` and `scikit-learn` are one package (PyPA, name normalization)."""
    return _SEPARATORS.sub("-", name).lower()


def parse_package_lock(untrusted: str, source: str) -> tuple[LockedPackage, ...]:
    """Read a lock.

    Raises:
        InvalidDocument: too long, or a line that is no `name==version` with an optional marker and sha256 hashes.
    """
    if len(untrusted) > MAX_LOCK_CHARACTERS:
        message = f"The lock of the environment {source} has more than {MAX_LOCK_CHARACTERS} characters."
        raise InvalidDocument(message, source=source, field="lock")
    return tuple(_parse_line(line, source) for line in _logical_lines(untrusted))


def _logical_lines(text: str) -> list[str]:
    lines = (line.partition(" #")[0].strip() for line in text.replace("\\\n", " ").splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _parse_line(line: str, source: str) -> LockedPackage:
    match = _PACKAGE.fullmatch(line)
    if match is None:
        rule = "allowed are name==version, a marker and sha256 hashes"
        message = f"The lock of the environment {source} has the line {line[:80]!r}; {rule}."
        raise InvalidDocument(message, source=source, field="lock")
    return LockedPackage(package_name(match["name"]), match["version"], match["marker"] or "", bool(match["hashes"]))
