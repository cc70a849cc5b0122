"""Everything that README and docs tell people to type is typed: commands by bash, Python by the interpreter.

`python3 start.py …` runs the estudio of these tests: a stand-in for start.py leaves out the set-up, which has tests of
its own. Files that the pages take for granted, such as `data.csv`, come from `material.py`.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from estudio.environments.builder import EnvironmentStore
from estudio.sandbox.doctor import examine_machine
from tests.docs.material import FILES
from tests.docs.page_blocks import PAGES, ROOT, Block, blocks_of, parse_blocks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.conftest import Require

pytestmark = [pytest.mark.sandbox, pytest.mark.environments, pytest.mark.slow]
STAND_IN = """import sys
if sys.argv[1] in ("test", "setup"):
    raise SystemExit(99)
from estudio.cli.main import main
raise SystemExit(main())
"""
MAX_LEFT_OUT = 4
"""Blocks that cannot be run here; more would hollow this test out."""
SECONDS = 280.0


def pages_with(language: str) -> list[object]:
    return [
        pytest.param(page, id=str(page.relative_to(ROOT)))
        for page in PAGES
        if any(block.language == language and block.is_run for block in blocks_of(page))
    ]


class Desk:
    """A folder with the examples and the material, and the variables under which `estudio` is a command."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.home = home
        self.folder = self.here = folder / "desk"
        self._place, self._exported = folder / "place", folder / "exported"
        self._exported.touch()
        self._port = free_port()
        self._background: list[subprocess.Popen[bytes]] = []
        shutil.copytree(ROOT / "examples", self.folder / "examples")
        for name, text in FILES.items():
            (self.folder / name).parent.mkdir(exist_ok=True)
            (self.folder / name).write_text(text, encoding="utf-8")
        (self.folder / "start.py").write_text(STAND_IN)
        programs = folder / "programs"
        programs.mkdir()
        for name, words in {"python3": "", "estudio": "-m estudio"}.items():
            (programs / name).write_text(f'#!/bin/sh\nexec "{sys.executable}" {words} "$@"\n')
            (programs / name).chmod(0o755)
        self.variables = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "src"),
            "ESTUDIO_HOME": str(home),
            "ESTUDIO_URL": f"http://127.0.0.1:{self._port}",
        }

    def type(self, text: str) -> subprocess.CompletedProcess[str]:
        """Type into one shell, as readers do: a `cd` and what is exported stay."""
        place, exported = shlex.quote(str(self._place)), shlex.quote(str(self._exported))
        shell = f"source {exported}\ntrap 'pwd > {place}; export -p > {exported}' EXIT\n"
        ended = self.run(["bash", "-euo", "pipefail", "-c", shell + self.as_here(text)])
        self.here = Path(self._place.read_text().rstrip("\n"))
        return ended

    def as_here(self, text: str) -> str:
        """The text with a port that is free here in place of the usual one."""
        return text.replace("127.0.0.1:8080", f"127.0.0.1:{self._port}")

    def begin(self, text: str) -> None:
        """Start a server, and go on once it says that it serves."""
        command = shlex.split(text.replace("estudio serve", f"estudio serve --port {self._port}"))
        log = self.folder / "serve.log"
        with log.open("wb") as told:
            started = subprocess.Popen(
                command, cwd=self.here, env=self.variables, stdin=subprocess.DEVNULL, stdout=told, stderr=told
            )
        self._background.append(started)
        end = time.monotonic() + SECONDS
        while "Serving " not in log.read_text():
            assert started.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)

    def end(self) -> None:
        """Stop the servers as Ctrl-C does."""
        for started in self._background:
            started.send_signal(signal.SIGINT)
        for started in self._background:
            started.wait(60)

    def run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.here,
            env=self.variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def python(self, environment: str) -> str:
        store = EnvironmentStore(self.home)
        return str(store.ensure(store.resolve(environment)).python)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


@pytest.fixture
def desk(tmp_path: Path, estudio_home: Path, require: Require) -> Iterator[Desk]:
    require(examine_machine().level, "full isolation cannot be had here: see `estudio doctor`")
    made = Desk(tmp_path, estudio_home)
    yield made
    made.end()


@pytest.mark.parametrize("page", pages_with("sh"))
def test_the_commands_of_a_page(page: Path, desk: Desk) -> None:
    printed = ""
    for block in blocks_of(page):
        if block.file is not None:
            (desk.here / block.file).write_text(desk.as_here(block.text), encoding="utf-8")
        elif block.prints:
            assert missing_lines(block.text, printed) == [], f"{block.place} is not what was printed:\n{printed}"
        elif block.background:
            desk.begin(block.text)
        elif block.language == "sh" and block.is_run:
            ended = desk.type(block.text)
            printed = ended.stdout
            assert ended.returncode == block.exit_code, f"{block.place} ended with {ended.returncode}:\n{printed}"


@pytest.mark.parametrize("page", pages_with("python"))
def test_the_python_of_a_page(page: Path, desk: Desk) -> None:
    blocks = [block for block in blocks_of(page) if block.language == "python" and block.is_run]
    for interpreter in {block.environment for block in blocks}:
        program = desk.folder / f"{page.stem}.py"
        program.write_text(one_program([block for block in blocks if block.environment == interpreter]), "utf-8")
        ended = desk.run([sys.executable if interpreter is None else desk.python(interpreter), str(program)])
        assert ended.returncode == 0, f"{page.relative_to(ROOT)} (line numbers are the page's):\n{ended.stdout}"


def one_program(blocks: list[Block]) -> str:
    """The blocks as one program, each at its own lines of the page, so that a traceback points there."""
    lines: list[str] = []
    for block in blocks:
        lines += [""] * (block.line - 1 - len(lines)) + block.text.splitlines()
    return "\n".join(lines) + "\n"


def missing_lines(shown: str, printed: str) -> list[str]:
    """The lines that were not printed; blanks count as one, and `…` stands for anything."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    patterns = [re.escape(" ".join(line.split())).replace("…", ".*") for line in shown.splitlines() if line.strip("… ")]
    return [pattern for pattern in patterns if not any(re.fullmatch(pattern, line) for line in lines)]


def test_few_blocks_are_left_out_and_each_says_why() -> None:
    left_out = [block for page in PAGES for block in blocks_of(page) if block.reason is not None]
    assert len(left_out) <= MAX_LEFT_OUT, [block.place for block in left_out]
    assert [block.place for block in left_out if block.language not in {"sh", "python"}] == []


def test_comments_are_understood() -> None:
    text = "x\n<!-- exit code 3 -->\n```sh\na\n```\n\n```python\nb\n```\n<!-- not run: no net -->\n\n```sh\nc\n```\n"
    read = parse_blocks(ROOT / "README.md", text)
    assert [(block.line, block.exit_code, block.reason) for block in read] == [
        (4, 3, None),
        (8, 0, None),
        (13, 0, "no net"),
    ]
    assert one_program(read[:2]) == "\n\n\na\n\n\n\nb\n"
    with pytest.raises(AssertionError, match="means nothing"):
        parse_blocks(ROOT / "README.md", "<!-- later -->\n```sh\na\n```\n")


def test_what_was_not_printed_is_seen() -> None:
    assert missing_lines("a  1\n…\nb … d\n", "a 1\nb c d\n") == []
    assert missing_lines("a 1\nc\n", "a 2\n") == ["a\\ 1", "c"]
