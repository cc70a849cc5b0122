"""Starts the installers and interpreters that a build needs, each with the few variables that may matter to it.

A virtual environment, a PYTHONPATH or an option of uv that somebody set for other work must not reach a build; where
packages come from (index, proxy, certificates, credentials) must.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uv

from estudio.environments.index_settings import pip_settings_for_uv

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

PUBLIC_UMASK = 0o022
"""Environments are read by a sandbox that runs as somebody else."""
MAX_OUTPUT_LINES = 400
"""The end of an installer's output, where the reason stands."""
MAX_LINE_CHARACTERS = 2_000
"""A resolver's sentence about a conflict has some hundreds."""

_KEPT = re.compile(
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TMPDIR|TEMP|TMP|XDG_(?:CACHE|CONFIG|DATA)_(?:HOME|DIRS)|XDG_DATA_DIRS|NETRC"
    r"|(?i:\w*_proxy)|SSL_CERT_(?:FILE|DIR)|SSL_CLIENT_CERT|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
    r"|PYENV_ROOT|LD_LIBRARY_PATH|CC|CXX|CFLAGS|CXXFLAGS|LDFLAGS"
    r"|UV_(?:DEFAULT_INDEX|INDEX|INDEX_URL|EXTRA_INDEX_URL|INDEX_STRATEGY|INDEX_\w+_(?:USERNAME|PASSWORD)|FIND_LINKS"
    r"|KEYRING_PROVIDER|NATIVE_TLS|SYSTEM_CERTS|INSECURE_HOST|HTTP_\w+|REQUEST_TIMEOUT|CONFIG_FILE|CACHE_DIR|OFFLINE"
    r"|CONCURRENT_\w+|LINK_MODE|PYTHON_INSTALL_DIR|CREDENTIALS_DIR)"
    r"|PIP_(?:INDEX_URL|EXTRA_INDEX_URL|FIND_LINKS|CERT|CLIENT_CERT|TRUSTED_HOST|PROXY|CONFIG_FILE|DEFAULT_TIMEOUT"
    r"|TIMEOUT|RETRIES|CACHE_DIR|NO_INDEX)"
)


@dataclass(frozen=True, slots=True)
class Finished:
    """A process that ended: its exit status and the last lines that it wrote."""

    status: int
    lines: tuple[str, ...]

    @property
    def output(self) -> str:
        """The last lines as one text."""
        return "\n".join(self.lines)


def uv_command() -> list[str]:
    """The beginning of every uv command: the binary of the `uv` package, without colours and bars."""
    return [uv.find_uv_bin(), "--no-progress", "--color", "never"]


def clean_variables(
    extra: Mapping[str, str] | None = None, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables for a build's processes.

    Args:
        extra: set on top.
        inherited: what to choose from; the process's own variables by default.
    """
    source = os.environ if inherited is None else inherited
    kept = {name: value for name, value in source.items() if _KEPT.fullmatch(name)}
    return {**pip_settings_for_uv(kept), **kept, **(extra or {})}


def run_quietly(command: Sequence[str], variables: Mapping[str, str], seconds: float) -> str | None:
    """Run a short command and give what it printed, or `None` where it failed, hung or is not there."""
    try:
        finished = subprocess.run(
            command, env=variables, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return finished.stdout.decode(errors="replace") if finished.returncode == 0 else None


def run_visibly(
    command: Sequence[str],
    variables: Mapping[str, str],
    on_line: Callable[[str], None],
    held: Iterable[int] = (),
) -> Finished:
    """Run a command to its end and hand over every line that it writes, on either stream.

    Args:
        command: program and arguments; it starts in `/`, so that no project's settings are picked up.
        variables: all of its variables.
        on_line: called with each line, cut to a length.
        held: descriptors that it inherits. A lock among them stays locked until this process ends too, even
            where ours was killed before.
    """
    process = subprocess.Popen(
        command,
        env=variables,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=tuple(held),
        umask=PUBLIC_UMASK,
    )
    lines: deque[str] = deque(maxlen=MAX_OUTPUT_LINES)
    try:
        for raw in process.stdout or ():
            line = raw.decode(errors="replace").rstrip()[:MAX_LINE_CHARACTERS]
            lines.append(line)
            on_line(line)
        return Finished(process.wait(), tuple(lines))
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
