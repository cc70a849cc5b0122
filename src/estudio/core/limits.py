"""What one script call may take. A limit that is reached ends the call as its own clear outcome, never as ours."""

from __future__ import annotations

from dataclasses import dataclass, fields

from estudio.errors import InvalidUsage

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one script call.

    Attributes:
        timeout_seconds: wall time from the moment the guest has the job.
        memory_bytes: memory that the call takes beyond what its zygote already holds.
        disk_bytes: the working directory, the bundle and the temporary files together.
        processes: processes and threads at one time.
        output_bytes: the result tables and images together.
        log_bytes: what the script prints; printing more ends the call as output-too-large.

    Raises:
        InvalidUsage: a limit that is not a positive number.
    """

    timeout_seconds: float = 600.0
    memory_bytes: int = 4 * GIB
    disk_bytes: int = 1 * GIB
    processes: int = 128
    output_bytes: int = 4 * GIB
    log_bytes: int = 16 * MIB

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**62:
                raise InvalidUsage(f"The limit {field.name} is {value!r}; give a positive number.", limit=field.name)
            if field.name != "timeout_seconds" and not isinstance(value, int):
                raise InvalidUsage(f"The limit {field.name} is {value!r}; give a whole number.", limit=field.name)
