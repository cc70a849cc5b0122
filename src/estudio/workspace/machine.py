"""What this machine gives to the sandbox, for people: see `estudio doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from estudio.core.outcome import IsolationLevel


@dataclass(frozen=True, slots=True)
class WallState:
    """One wall on this machine: what it keeps away, whether it stands, and if not why and how to get it."""

    name: str
    what: str
    stands: bool
    required: bool
    reason: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class MachineReport:
    """What this machine gives. `level` is None where full isolation cannot be had."""

    level: IsolationLevel | None
    walls: tuple[WallState, ...]
    kernel: str
    machine: str
    estudio: str


def examine_machine() -> MachineReport:
    """Try every wall."""
    raise NotImplementedError
