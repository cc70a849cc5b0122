"""What this machine gives to the sandbox, for people: see `estudio doctor`."""

from estudio.sandbox.doctor import MachineReport, WallState, examine_machine

__all__ = ["MachineReport", "WallState", "examine_machine"]
