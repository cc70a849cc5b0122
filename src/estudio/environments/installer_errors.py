"""Tells what an installer's failure was: the request, the registry, the disk, or something else.

Nobody is blamed without evidence: only words that uv or pip wrote decide, and what fits none stays a plain
`EnvironmentFailed` with the installer's own last words.
"""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from estudio.errors import (
    EnvironmentDiskFull,
    EnvironmentFailed,
    PackagesUnresolvable,
    RegistryUnreachable,
)

if TYPE_CHECKING:
    from estudio.core.environment import EnvironmentSpec

MAX_REASON_CHARACTERS = 600
"""A resolver explains a conflict in a few sentences; the first ones name the packages."""

_DISK = re.compile(r"No space left on device|os error 28\b|Disk quota exceeded|os error 122\b|Errno (?:28|122)\b")
_NETWORK = re.compile(
    r"network was disabled|Network connectivity is disabled|error sending request|dns error|Connection refused"
    r"|tcp connect error|operation timed out|Network is unreachable|Temporary failure in name resolution"
    r"|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|SSLError|invalid peer certificate"
    r"|HTTP status server error|HTTP status client error \((?:401|403|407|429)|Request failed after"
    r"|Failed to (?:fetch|download)[^\n]*\n[^\n]*(?:error decoding|timed out|connection)",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"No solution found|no usable wheels|was not found in the package registry|No matching distribution found"
    r"|Could not find a version that satisfies|ResolutionImpossible|conflicting dependencies|no wheels? with a matching"
    r"|can't be installed because it (?:is marked|doesn't have)|requires a different Python|Requires-Python",
    re.IGNORECASE,
)
_BUILD = re.compile(r"Failed to build|build backend|Failed building wheel|Command errored out", re.IGNORECASE)
_NO_WHEEL = re.compile(r"no usable wheels|Wheels are required|marked as `--no-build`|only-binary", re.IGNORECASE)


def explain_installer_failure(output: str, spec: EnvironmentSpec, version: str) -> EnvironmentFailed:
    """The named error for a failure of uv or pip.

    Args:
        output: the last lines that it wrote.
        spec: what was to be built.
        version: of the interpreter, e.g. `3.12.1`.
    """
    reason = shorten_reason(output)
    if _DISK.search(output):
        return disk_full(spec.name, reason)
    if _NETWORK.search(output):
        message = (
            f"The environment {spec.name!r} could not be built because the package registry does not answer: {reason} "
            "Check the network, the proxy and the index set for uv or pip, then try again."
        )
        return RegistryUnreachable(message, environment=spec.name, reason=reason)
    if _REQUEST.search(output) or _BUILD.search(output):
        message = f"The packages of the environment {spec.name!r} cannot be had for Python {version}: {reason}"
        return PackagesUnresolvable(message + _next_step(output), environment=spec.name, python=version, reason=reason)
    message = f"The environment {spec.name!r} could not be built for Python {version}: {reason}"
    return EnvironmentFailed(message, environment=spec.name, python=version, reason=reason)


def explain_system_failure(error: OSError, spec: EnvironmentSpec) -> EnvironmentFailed:
    """The named error for a failure of our own file operations."""
    reason = f"{error.strerror or error} ({error.filename})" if error.filename else str(error.strerror or error)
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(spec.name, reason)
    return EnvironmentFailed(f"The environment {spec.name!r} could not be built: {reason}.", environment=spec.name)


def disk_full(name: str, reason: str) -> EnvironmentDiskFull:
    """The error for a disk without room."""
    message = (
        f"There is no room to build the environment {name!r}: {reason} "
        "Free some space, remove environments that are not needed, or set ESTUDIO_HOME to a folder on a larger disk."
    )
    return EnvironmentDiskFull(message, environment=name, reason=reason)


def shorten_reason(output: str) -> str:
    """The reason in an installer's output: its error and causes, on one line, without addresses' credentials."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    start = next((i for i, line in enumerate(lines) if line.lower().startswith("error:")), None)
    if start is None:
        start = max(0, len(lines) - 3)
    kept = [re.sub(r"^(?:error|cause|hint):\s*", "", line, flags=re.IGNORECASE) for line in lines[start:]]
    text = ". ".join(line.rstrip(".") for line in dict.fromkeys(kept)) + "."
    text = re.sub(r"(://)[^/@\s]+@", r"\1", text)
    return text if len(text) <= MAX_REASON_CHARACTERS else text[: MAX_REASON_CHARACTERS - 2].rstrip() + " …"


def _next_step(output: str) -> str:
    if _NO_WHEEL.search(output):
        return " Ask for a version with a wheel for this Python, or list the package in from-source."
    if _BUILD.search(output):
        return " Ask for a version with a wheel for this Python."
    return " Change the versions that are asked for."
