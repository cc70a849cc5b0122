"""Help, version and completion."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import estudio
from estudio.cli.main import main
from estudio.errors import EnvironmentFailed
from tests.workspace.making import make_workspace

from .golden_files import same_as_golden
from .scripted_door import ScriptedDoor
from .service_stand_in import ServiceDoor

Captured = pytest.CaptureFixture[str]
GROUPS = {
    "environment": ["list", "show", "build", "remove"],
    "experiment": ["run", "list", "show", "check", "export"],
    "history": ["list", "show", "compare", "remove", "restore"],
    "service": ["list", "show", "versions", "promote", "rollback", "remove", "samples", "logs", "statistics"],
    "service endpoints": ["list", "add", "change", "remove"],
    "service keys": ["list", "rotate", "create", "remove"],
    "service jobs": ["list", "show", "cancel"],
    "dataset": ["add", "list", "show", "remove"],
    "store": ["verify", "prune"],
}
COMMANDS = [
    *("", "run", "doctor", "init", "show", "publish", "serve"),
    *GROUPS,
    *(f"{group} {command}" for group, commands in GROUPS.items() for command in commands),
]
REFERENCE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


@pytest.fixture(autouse=True)
def eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("command", COMMANDS)
def test_help(capsys: Captured, command: str) -> None:
    assert main([*command.split(), "--help"], door=ScriptedDoor()) == 0
    captured = capsys.readouterr()
    same_as_golden(f"help-{command.replace(' ', '-') or 'estudio'}.txt", captured)
    assert main([*command.split(), "-h"], door=ScriptedDoor()) == 0
    assert capsys.readouterr() == captured


@pytest.mark.parametrize("command", ["", *GROUPS])
def test_without_a_command_the_help_is_an_error(capsys: Captured, command: str) -> None:
    main([*command.split(), "--help"], door=ScriptedDoor())
    helped = capsys.readouterr().out
    assert main(command.split(), door=ScriptedDoor()) == 2
    assert capsys.readouterr() == ("", helped)


def test_version(capsys: Captured) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr() == (f"estudio {estudio.__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu", "s.py"], "No such command 'rnu'. Did you mean 'run'?"),
        (["environment", "lst"], "No such command 'lst'. Did you mean 'list'?"),
        (["script.py", "data.csv"], "No such command 'script.py'. Did you mean 'run script.py'?"),
        (["--verison"], "No such option: --verison (Possible options: --version)"),
    ],
)
def test_near_misses(capsys: Captured, arguments: list[str], words: str) -> None:
    assert main(arguments, door=ScriptedDoor()) == 2
    assert f"error: {words}\n" in capsys.readouterr().err


def completed(monkeypatch: pytest.MonkeyPatch, capsys: Captured, words: str, door: ScriptedDoor) -> list[str]:
    """What bash is offered for the last word of a command line."""
    monkeypatch.setenv("_ESTUDIO_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    with pytest.raises(SystemExit) as ended:
        main([], door=door)
    assert ended.value.code == 0
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (
            "estudio ",
            ["run", "doctor", "init", "show", "publish", "serve", *(name for name in GROUPS if " " not in name)],
        ),
        ("estudio service show p", ["people"]),
        ("estudio service endpoints change people d", ["default"]),
        ("estudio service samples people --language c", ["curl", "csharp"]),
        ("estudio experiment run ", ["plain", "scripted"]),
        ("estudio experiment run plain --to h", ["halves"]),
        ("estudio show scripted a", ["after", "alone"]),
        ("estudio dataset show n", []),
        ("estudio run --calling d", ["designer"]),
        ("estudio run --isolation ", ["full", "none"]),
        ("estudio run --outp", ["--output", "--output2"]),
        ("estudio run --environment o", ["old"]),
        ("estudio environment remove ", ["default", "old"]),
        ("estudio run ", []),
    ],
)
def test_completion(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured, tmp_path: Path, words: str, offered: list[str]
) -> None:
    monkeypatch.chdir(make_workspace(tmp_path))
    door = ServiceDoor() if words.startswith("estudio service") else ScriptedDoor()
    assert completed(monkeypatch, capsys, words, door) == offered


def test_a_completion_that_fails_is_silent(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    door = ScriptedDoor(error=EnvironmentFailed("no"))
    assert completed(monkeypatch, capsys, "estudio environment show ", door) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script(monkeypatch: pytest.MonkeyPatch, capsys: Captured, shell: str) -> None:
    monkeypatch.setenv("_ESTUDIO_COMPLETE", f"source_{shell}")
    with pytest.raises(SystemExit) as ended:
        main([], door=ScriptedDoor())
    assert ended.value.code == 0
    assert "_ESTUDIO_COMPLETE" in capsys.readouterr().out


def test_every_option_is_documented(capsys: Captured) -> None:
    reference = REFERENCE.read_text(encoding="utf-8")
    options: set[str] = set()
    for command in COMMANDS:
        main([*command.split(), "--help"], door=ScriptedDoor())
        options |= set(re.findall(r"--[a-z][a-z0-9-]+", capsys.readouterr().out))
    assert {"--json", "--allow-programs", "--version"} <= options
    assert {option for option in options if option not in reference} == set()


def test_every_exit_code_is_documented() -> None:
    from estudio.cli.exit_codes import ExitCode

    reference = REFERENCE.read_text(encoding="utf-8")
    assert re.findall(r"^\| (\d+) \|", reference, flags=re.MULTILINE) == [str(int(code)) for code in ExitCode]
