"""The fenced blocks of README and docs, each with what the comment above it says about running it.

Comments that do not show in the rendered page decide; a block without one is run and must end with exit code 0:

    <!-- not run: REASON -->                    left out, because REASON
    <!-- exit code N -->                        the commands end with N
    <!-- file: NAME -->                         written to NAME, for the commands below it
    <!-- in the background -->                 goes on while the rest of the page is typed: `estudio serve`
    <!-- prints -->                             text that the commands above print; `…` stands for anything
    <!-- python of the environment NAME -->     run by that environment's interpreter instead of estudio's
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
BLOCK = re.compile(
    r"(?:^<!-- (?P<comment>[^\n]+) -->\n+)?^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)
COMMENTS = re.compile(
    r"not run: (?P<reason>.+)|exit code (?P<code>\d+)|file: (?P<file>[\w.-]+)|(?P<prints>prints)"
    r"|(?P<background>in the background)"
    r"|python of the environment (?P<environment>[\w.-]+)"
)


@dataclass(frozen=True)
class Block:
    """One fenced block. `line` is that of its first line in the page, counted from 1."""

    page: Path
    line: int
    language: str
    text: str
    reason: str | None = None
    exit_code: int = 0
    file: str | None = None
    prints: bool = False
    background: bool = False
    environment: str | None = None

    @property
    def is_run(self) -> bool:
        """Whether it is typed or interpreted itself; files are for the commands of the page."""
        return self.reason is None and self.file is None

    @property
    def place(self) -> str:
        """Where it stands, for messages."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    """The blocks of a page, in order."""
    return parse_blocks(page, page.read_text(encoding="utf-8"))


def parse_blocks(page: Path, content: str) -> list[Block]:
    """The blocks of a page's text."""
    blocks = []
    for match in BLOCK.finditer(content):
        line = content.count("\n", 0, match.start("text")) + 1
        said = COMMENTS.fullmatch(match["comment"] or "not run: nothing is said")
        assert said is not None, f"{page.name}:{line}: the comment {match['comment']!r} means nothing"
        blocks.append(
            Block(
                page,
                line,
                match["language"],
                match["text"],
                reason=said["reason"] if match["comment"] else None,
                exit_code=int(said["code"] or 0),
                file=said["file"],
                prints=said["prints"] is not None,
                background=said["background"] is not None,
                environment=said["environment"],
            )
        )
    return blocks
