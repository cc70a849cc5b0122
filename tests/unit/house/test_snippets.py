"""The snippets of README and docs: Python compiles, and commands use only documented commands and options.

That they work is seen in `tests/docs`, which takes longer; what is wrong with their words is seen here at once.
"""

from __future__ import annotations

import ast
import json
import re
import shlex

import pytest

from estudio.documents.experiment_document import parse_experiment_document
from tests.docs.page_blocks import PAGES, ROOT, blocks_of

SNIPPETS = [pytest.param(block.language, block.text, id=block.place) for page in PAGES for block in blocks_of(page)]
OWN_WORDS = {"test", "setup"}
"""Of start.py; everything else goes to estudio."""


def documented() -> tuple[set[str], set[str]]:
    """The commands and the options of the reference page."""
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    commands = {" ".join(match.split()) for match in re.findall(r"`estudio ((?:[a-z]+ ?)+)", page)}
    return commands, set(re.findall(r"--[a-z0-9]+(?:-[a-z0-9]+)*", page))


def command_lines(text: str) -> list[list[str]]:
    """The words of each command of estudio, without the program's name."""
    lines = (shlex.split(line) for line in text.replace("\\\n", " ").splitlines() if line.strip())
    commands = []
    for words in lines:
        if words[0] == "estudio":
            commands.append(words[1:])
        elif words[:2] == ["python3", "start.py"]:
            commands.append(words[2:])
    return commands


def wrong_words(command: list[str]) -> list[str]:
    if command[0] in OWN_WORDS:
        return []
    commands, options = documented()
    names = {command[0], " ".join(command[:2])}
    wrong = [] if names & commands else [command[0]]
    return wrong + [word for word in command if word.startswith("--") and word not in options]


def test_a_wrong_command_is_seen() -> None:
    assert wrong_words(["run", "x.py", "--frobnicate"]) == ["--frobnicate"]
    assert wrong_words(["fly", "x.py"]) == ["fly"]
    assert wrong_words(["environment", "build", "text.toml"]) == []
    assert command_lines("python3 start.py run a \\\n   --json\nestudio doctor\n") == [
        ["run", "a", "--json"],
        ["doctor"],
    ]


@pytest.mark.parametrize(("language", "text"), SNIPPETS)
def test_snippet_is_sound(language: str, text: str) -> None:
    if language == "python":
        assert ast.parse(text).body
    elif language == "sh":
        assert [word for command in command_lines(text) for word in wrong_words(command)] == []
    elif language == "yaml":
        assert parse_experiment_document(text.encode(), "page.yaml").problems == ()
    elif language == "json":
        assert json.loads(text)
    elif language == "text":
        words = [word for line in text.splitlines() if line.startswith("estudio ") for word in line.split()]
        assert [word for word in words if word.startswith("--") and word not in documented()[1]] == []
    else:
        assert language == "toml"
