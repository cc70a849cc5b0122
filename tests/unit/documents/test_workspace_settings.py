"""`estudio.toml`: every setting, and what is wrong with its line."""

from __future__ import annotations

import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest

from estudio.core.limits import GIB, MIB, Limits
from estudio.documents.workspace_settings import (
    LIMIT_FIELDS,
    SETTING_FIELDS,
    TABLES,
    WorkspaceSettings,
    new_workspace_settings,
    parse_size,
    parse_workspace_settings,
    read_workspace_settings,
)
from estudio.errors import InvalidDocument, InvalidWorkspace

if TYPE_CHECKING:
    from pathlib import Path

WHOLE = """\
estudio = 1
name = "Ours"

[defaults]
environment = "old"
seed = 7

[limits]
timeout-seconds = 1.5
memory = "2 GiB"
disk = "1.5G"
processes = 8
output = 1000
log = "64 MiB"

[parallel]
modules = 3
memory = "8G"
"""


def test_all_settings() -> None:
    limits = Limits(1.5, 2 * GIB, GIB * 3 // 2, 8, 1000, 64 * MIB)
    assert parse_workspace_settings(WHOLE.encode()) == WorkspaceSettings("Ours", "old", 7, limits, 3, 8 * GIB)


def test_nothing_but_the_version() -> None:
    assert parse_workspace_settings(b"estudio = 1") == WorkspaceSettings()


def test_every_attribute_has_its_field() -> None:
    assert set(SETTING_FIELDS.values()) == {found.name for found in fields(WorkspaceSettings)} - {"limits"}
    assert set(LIMIT_FIELDS.values()) == {found.name for found in fields(Limits)}
    tables = {f"{table}.{name}" for table, known in TABLES.items() for name in known}
    assert tables == {name for name in SETTING_FIELDS if name[0] != "."} | {f"limits.{name}" for name in LIMIT_FIELDS}


def test_a_new_file_shows_every_setting_with_its_default() -> None:
    text = new_workspace_settings()
    assert parse_workspace_settings(text.encode()) == WorkspaceSettings()
    told = re.sub(r"^# (?=[a-z-]+ = )", "", text, flags=re.MULTILINE)
    assert parse_workspace_settings(told.encode()) == WorkspaceSettings(parallel_modules=2, memory_bytes=8 * GIB)
    assert all(f"# {name} = " in told or f"{name} = " in told for known in TABLES.values() for name in known)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["1: the settings do not say their version: write 'estudio = 1' as the first line."]),
        ("\nestudio = '1'", ["2: the settings do not say their version: write 'estudio = 1' as the first line."]),
        ("estudio = 1\nx = ", ["2: the settings are no TOML (Invalid value): write NAME = VALUE, texts in quotes."]),
        ("estudio = 1\nx = 'a", None),
        ("estudio = 1\nnmae = 'a'", ["2: there is no setting 'nmae'. Did you mean 'name'?"]),
        ("estudio = 1\nname = 3", ["2: name is 3, but it takes text: one line of at most 200 characters."]),
        ("estudio = 1\n[limit]\nmemory = 1", ["2: there is no setting 'limit'. Did you mean 'limits'?"]),
        (
            "estudio = 1\ndefaults = 1",
            ["2: defaults is no table: write [defaults] on a line of its own, with its fields below."],
        ),
        (
            "estudio = 1\n[limits]\nmemory = '4 apples'\n\ntimeout = 3\n[parallel]\n modules = 0 # none\n",
            [
                "3: memory is '4 apples', but it takes a size: write e.g. \"4 GiB\".",
                "5: [limits] has no field 'timeout'. Did you mean 'timeout-seconds'?",
                "7: modules is 0, but it takes a whole number from 1 to 1024.",
            ],
        ),
        ("estudio = 1\nparallel.modules = true", ["2: modules is true, but it takes a whole number from 1 to 1024."]),
        ("estudio = 1\n\ndefaults = {seed = -1}", ["3: seed is -1, but it takes a whole number from 0 to 4294967295."]),
        (
            "estudio = 1\n[limits]\ntimeout-seconds = inf",
            ["3: timeout-seconds is inf, but it takes a number of seconds above 0: write e.g. 600."],
        ),
        ("estudio = 1\nx = " + "[" * 5000, ["1: the settings lie in each other too deep: they are flat."]),
        ("#" * 70_000, ["1: the settings have more than 65536 bytes: shorten them."]),
    ],
)  # fmt: skip
def test_wrong_settings(text: str, problems: list[str] | None) -> None:
    with pytest.raises(InvalidDocument) as raised:
        parse_workspace_settings(text.encode())
    if problems is not None:
        assert raised.value.problems == tuple(f"estudio.toml:{problem}" for problem in problems)
    assert raised.value.message.startswith("estudio.toml:")


def test_a_later_version_is_another_error() -> None:
    with pytest.raises(InvalidWorkspace, match=r"estudio\.toml is of version 2; this estudio reads up to 1: update"):
        parse_workspace_settings(b"estudio = 2\nfurther = 1")


def test_bytes_that_are_no_text() -> None:
    with pytest.raises(InvalidDocument, match=r"estudio\.toml:2: the settings are no UTF-8: save them as UTF-8"):
        parse_workspace_settings(b"estudio = 1\nname = '\xe9'")


def test_files(tmp_path: Path) -> None:
    with pytest.raises(InvalidWorkspace, match=r"is no workspace: it has no estudio\.toml\. Make it one"):
        read_workspace_settings(tmp_path / "estudio.toml")
    with pytest.raises(InvalidDocument, match="cannot be read"):
        read_workspace_settings(tmp_path)
    (tmp_path / "estudio.toml").write_text(WHOLE)
    assert read_workspace_settings(tmp_path / "estudio.toml").name == "Ours"


@pytest.mark.parametrize(
    ("value", "size"),
    [("1", 1), ("4 GiB", 4 * GIB), ("4gb", 4 * GIB), ("1.5M", MIB * 3 // 2), (7, 7), ("0", None), (True, None),
     ("", None), ("4X", None), (-1, None), ("9" * 20, None), ("1e3", None), (1.5, None), ([], None)],
)  # fmt: skip
def test_sizes(value: object, size: int | None) -> None:
    assert parse_size(value) == size
