"""Nothing that belongs to one machine is in the repository: no registry's host, no home, no neighbouring folder.

The patterns are put together from pieces, so that this file does not contain what it looks for.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FORBIDDEN = {
    "a registry's host": r"py" + r"pi\.(?:org|python)" + r"|files\.python" + r"hosted" + r"|registry\.npm" + "js",
    "an index option": r"--(?:extra-)?index" + r"-url[ =]http" + "|" + r"index-url\s*=\s*[\"']http",
    "a home folder": r"(?<![\w.])/" + r"(?:root|home/\w+|Users/\w+)" + r"/",
    "a folder beside the repository": r"\.\./" + r"shared" + "|(?<![\\w.])/" + r"work/",
}
FORBIDDEN_PATTERNS = {name: re.compile(pattern) for name, pattern in FORBIDDEN.items()}
TEXT_SUFFIXES = {
    ".py", ".md", ".toml", ".lock", ".txt", ".csv", ".json", ".yml", ".yaml", ".cfg", ".ini", ".sh", ".html", "",
}  # fmt: skip


BINARY_FILES = {"docs/images/feature_importance.png", "examples/pima-diabetes/hello/Hello.zip"}
"""Each was put there on purpose: what a test leaves behind shall not be committed unseen."""


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    paths = [ROOT / name for name in listing.stdout.decode().split("\0") if name]
    return [path for path in paths if path.is_file()]


def tracked_files() -> list[Path]:
    return [path for path in tracked() if path.suffix in TEXT_SUFFIXES]


def found_in(text: str) -> list[str]:
    return [
        f"{name}: {match.group(0)}" for name, pattern in FORBIDDEN_PATTERNS.items() for match in pattern.finditer(text)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "py" + "pi.org/simple",
        "https://files.python" + "hosted.org/x.whl",
        "--index" + "-url https://example.test/simple",
        "see /" + "root/.cache",
        "/" + "home/jane/x.csv",
        "in .." + "/shared/notes.md",
        "/" + "work/main",
    ],
)
def test_what_is_forbidden_is_seen(text: str) -> None:
    assert found_in(text)


def test_ordinary_text_passes() -> None:
    assert found_in("src/estudio/framework/home.py, docs/root/, ./work/x, ~/.local/share, https://github.com") == []


def test_no_tracked_file_knows_a_machine() -> None:
    files = tracked_files()
    assert ROOT / "requirements.lock" in files
    found = {str(path.relative_to(ROOT)): found_in(path.read_text(encoding="utf-8")) for path in files}
    assert {path: matches for path, matches in found.items() if matches} == {}


def test_no_binary_file_is_tracked_by_accident() -> None:
    found = {str(path.relative_to(ROOT)) for path in tracked() if b"\0" in path.read_bytes()[:8192]}
    assert found == BINARY_FILES
