"""`estudio environment` and `estudio doctor` on screen."""

from __future__ import annotations

import io
import sys

import pytest

from estudio.cli.main import main
from estudio.errors import EnvironmentFailed

from .golden_files import same_as_golden
from .scripted_door import POOR_MACHINE, ScriptedDoor

Captured = pytest.CaptureFixture[str]


@pytest.mark.parametrize("command", ["list", "show default", "show old", "build default", "remove old"])
def test_environment(capsys: Captured, command: str) -> None:
    door = ScriptedDoor(progress=("installing pandas",))
    assert main(["environment", *command.split()], door=door) == 0
    assert door.asked == ([] if command == "list" else [command])
    same_as_golden(f"environment-{command.replace(' ', '-')}.txt", capsys.readouterr())


def test_no_environments(capsys: Captured) -> None:
    assert main(["environment", "list"], door=ScriptedDoor(environments=())) == 0
    assert capsys.readouterr().out == "There are no environments here.\n"


def test_an_unknown_environment(capsys: Captured) -> None:
    assert main(["environment", "remove", "x"], door=ScriptedDoor()) == 4
    assert capsys.readouterr().err == "error: No environment is called 'x'; `estudio environment list` has them.\n"


def test_the_listing_fails(capsys: Captured) -> None:
    door = ScriptedDoor(error=EnvironmentFailed("The folder of environments cannot be read."))
    assert main(["environment", "list"], door=door) == 4
    assert capsys.readouterr() == ("", "error: The folder of environments cannot be read.\n")


def test_a_machine_with_all_walls(capsys: Captured) -> None:
    assert main(["doctor"], door=ScriptedDoor()) == 0
    same_as_golden("doctor-full.txt", capsys.readouterr())


def test_a_machine_without_a_needed_wall(capsys: Captured) -> None:
    assert main(["doctor"], door=ScriptedDoor(machine=POOR_MACHINE)) == 5
    same_as_golden("doctor-poor.txt", capsys.readouterr())


def test_an_ascii_terminal_gets_words_for_signs(monkeypatch: pytest.MonkeyPatch) -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ascii_only)
    assert main(["doctor"], door=ScriptedDoor()) == 0
    ascii_only.seek(0)
    shown = ascii_only.read()
    assert "no  | cgroup-memory" in shown
    assert "\\u" not in shown


def test_an_ascii_terminal_shows_a_preview(monkeypatch: pytest.MonkeyPatch) -> None:
    ascii_only = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", ascii_only)
    assert main(["run", "s.py"], door=ScriptedDoor()) == 0
    ascii_only.seek(0)
    assert "regi\\xf3n" in ascii_only.read()
