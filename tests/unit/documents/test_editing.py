"""Edits in place: what is untouched stays to the byte, and every edit says what it should."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import pytest

from estudio.documents.editing import DocumentEditor
from estudio.documents.experiment_checking import checked_experiment
from estudio.documents.experiment_document import parse_experiment_document
from estudio.documents.new_documents import new_document
from estudio.documents.yaml_editing import YamlText
from estudio.errors import ExperimentNotFound, InvalidDocument, InvalidUsage, ModuleNotFound, OutputFailed
from tests.unit.documents.kinds import EXAMPLE, KINDS
from tests.unit.documents.odd_document import INPUTS, ODD

if TYPE_CHECKING:
    from pathlib import Path


def editor(text: str = EXAMPLE) -> DocumentEditor:
    return DocumentEditor(text.encode(), "x.yaml")


def changed(before: str, after: str) -> list[str]:
    """The lines that differ, as a diff without context."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in lines if not line.startswith(("---", "+++", "@@"))]


def edited(text: str, edit: str, *arguments: Any) -> list[str]:
    """What an edit changes in a document, as a diff."""
    under_edit = editor(text)
    getattr(under_edit, edit)(*arguments)
    return changed(text, under_edit.text)


@pytest.mark.parametrize(
    ("edit", "arguments", "diff"),
    [
        ("set_name", ("New: name",), ["-name: Pima feature importance", "+name: 'New: name'"]),
        ("set_description", ("One.",), ["+description: One."]),
        ("set_description", ("",), []),
        ("set_setting", ("rank", "environment", "default"), []),
        ("set_setting", ("rank", "environment", "old"), ["-    environment: default", "+    environment: old"]),
        ("set_setting", ("rank", "seed", 3), ["+    seed: 3"]),
        ("set_setting", ("rank", "environment", None), ["-    environment: default"]),
        ("set_setting", ("rank", "deterministic", False), ["+    deterministic: false"]),
        ("set_setting", ("rank", "comment", "a\nb\n"), ["+    comment: |", "+      a", "+      b"]),
        ("set_setting", ("rank", "comment", "a\n b "), ['+    comment: "a\\n b "']),
        ("set_setting", ("rank", "on", ["a", "b, c", "1", "no"]), ["+    on: [a, 'b, c', '1', 'no']"]),
        ("set_setting", ("rank", "types", {"a": "b", "1": "x: y"}), ["+    types: {a: b, '1': 'x: y'}"]),
        ("set_script_parameter", ("rank", "trees", 3), ["+    parameters: {trees: 3}"]),
        ("set_script_parameter", ("rank", "trees", "${trees}"), ["+    parameters: {trees: '${trees}'}"]),
        (
            "connect",
            ("rank", "dataset1", "rank", "results2"),
            [
                "-    dataset1: diabetes            # an output port: MODULE or MODULE.PORT",
                "+    dataset1: rank.results2            # an output port: MODULE or MODULE.PORT",
            ],
        ),
        ("connect", ("rank", "dataset2", "diabetes"), ["+    dataset2: diabetes"]),
        ("disconnect", ("rank", "bundle"), ["-    bundle: helpers"]),
        ("disconnect", ("rank", "dataset2"), []),
        (
            "add_module",
            ("split", "split-rows", {"dataset": "rank", "fraction": 0.75}),
            ["+  split:", "+    kind: split-rows", "+    dataset: rank", "+    fraction: 0.75"],
        ),
        ("add_module", ("12", "enter-data"), ["+  '12':", "+    kind: enter-data"]),
        (
            "remove_module",
            ("helpers", INPUTS),
            ["-  helpers:  {kind: script-bundle, path: bundles/helpers}", "-    bundle: helpers"],
        ),
        (
            "rename_module",
            ("helpers", "tools", INPUTS),
            [
                "-  helpers:  {kind: script-bundle, path: bundles/helpers}",
                "+  tools:  {kind: script-bundle, path: bundles/helpers}",
                "-    bundle: helpers",
                "+    bundle: tools",
            ],
        ),
        (
            "set_experiment_parameter",
            ("trees", {"type": "integer", "default": 3}),
            ["-  trees: {type: integer, default: 250}", "+  trees: {type: integer, default: 3}"],
        ),
        (
            "set_experiment_parameter",
            ("trees", {"type": "number", "minimum": 0.5}),
            ["-  trees: {type: integer, default: 250}", "+  trees: {type: number, minimum: 0.5}"],
        ),
        (
            "set_experiment_parameter",
            ("how", {"type": "choice", "choices": ["a", "b"]}),
            ["+  how: {type: choice, choices: [a, b]}"],
        ),
        (
            "remove_experiment_parameter",
            ("trees",),
            ["-parameters:", "-  trees: {type: integer, default: 250}", "+parameters: {}"],
        ),
    ],
)
def test_edits(edit: str, arguments: tuple[Any, ...], diff: list[str]) -> None:
    assert sorted(edited(EXAMPLE, edit, *arguments)) == sorted(diff)


@pytest.mark.parametrize(
    ("edit", "arguments", "diff"),
    [
        ("set_name", ("Odd  two",), ["-name:   'Odd  one'", "+name:   Odd  two"]),
        (
            "set_description",
            ("Short",),
            ["-description: >-", "-   Folded text", "-   over two lines.", "+description: Short"],
        ),
        (
            "set_setting",
            ("diabetes", "dataset", "b.csv"),
            [
                '-    diabetes: { kind : dataset, "dataset":  a.csv }   # flow',
                '+    diabetes: { kind : dataset, "dataset":  b.csv }   # flow',
            ],
        ),
        (
            "set_setting",
            ("diabetes", "comment", "a, b\n"),
            [
                '-    diabetes: { kind : dataset, "dataset":  a.csv }   # flow',
                '+    diabetes: { kind : dataset, "dataset":  a.csv, comment: "a, b\\n" }   # flow',
            ],
        ),
        ("set_setting", ("helpers", "path", "c"), ['-        path: "b/helpers" # quoted', "+        path: c # quoted"]),
        ("set_setting", ("helpers", "comment", "x"), ["+        comment: x"]),
        (
            "set_setting",
            ("rank", "comment", "One"),
            [
                "-        comment: |",
                "-            Several",
                "-              lines. # no comment",
                "+        comment: One",
            ],
        ),
        (
            "set_script_parameter",
            ("rank", "columns", ["age"]),
            [
                "-          columns:",
                "-          - age      # one",
                "-          -   'blood pressure'",
                "+          columns: [age]",
            ],
        ),
        ("set_script_parameter", ("rank", "depth", 2), ["+          depth: 2"]),
        ("set_script_parameter", ("rank", "trees", None), ["-          trees: ${trees}"]),
        (
            "remove_module",
            ("diabetes", INPUTS),
            [
                '-    diabetes: { kind : dataset, "dataset":  a.csv }   # flow',
                "-        dataset1: diabetes.dataset   # the data",
                "-    again: {kind: execute-python-script, dataset1: diabetes, dataset2: diabetes,",
                "+    again: {kind: execute-python-script,",
            ],
        ),
        (
            "rename_module",
            ("helpers", "tools", INPUTS),
            [
                "-    helpers:",
                "+    tools:",
                "-        bundle:   'helpers'",
                "+        bundle:   tools",
                "-            bundle: helpers,    # a comment",
                "+            bundle: tools,    # a comment",
            ],
        ),
        ("add_module", ("new", "enter-data"), ["+    new:", "+        kind: enter-data"]),
        (
            "disconnect",
            ("again", "bundle"),
            ["-            bundle: helpers,    # a comment", "+                # a comment"],
        ),
        (
            "set_experiment_parameter",
            ("rate", {"type": "number"}),
            [
                "-             depth: {type: integer}}   # last",
                "+             depth: {type: integer}, rate: {type: number}}   # last",
            ],
        ),
        (
            "remove_experiment_parameter",
            ("trees",),
            [
                "-parameters: {trees: {type: integer,   default: 250}, # many",
                "+parameters: { # many",
            ],
        ),
    ],
)
def test_edits_of_a_document_with_odd_formatting(edit: str, arguments: tuple[Any, ...], diff: list[str]) -> None:
    found = edited(ODD, edit, *arguments)
    assert sorted(line.rstrip() for line in found) == sorted(line.rstrip() for line in diff)


def test_windows_line_ends_stay() -> None:
    under_edit = editor(EXAMPLE.replace("\n", "\r\n"))
    under_edit.add_module("new", "enter-data", {"data": "a,b\n1,2\n"})
    under_edit.set_setting("rank", "seed", 3)
    assert "\n" not in under_edit.text.replace("\r\n", "")
    assert under_edit.text.endswith("    data: |\r\n      a,b\r\n      1,2\r\n")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("estudio: 1\nmodules:\n", "estudio: 1\nmodules:\n  a:\n    kind: k\n"),
        ("estudio: 1\nmodules:", "estudio: 1\nmodules:\n  a:\n    kind: k"),
        ("estudio: 1\nmodules: {}  # none\n", "estudio: 1\nmodules:  # none\n  a:\n    kind: k\n"),
        ("estudio: 1\nmodules: ~\nname: x\n", "estudio: 1\nmodules:\n  a:\n    kind: k\nname: x\n"),
        ("estudio: 1\n", "estudio: 1\nmodules:\n  a:\n    kind: k\n"),
        ("{estudio: 1, modules: {}}", "{estudio: 1, modules: {a: {kind: k}}}"),
        ("estudio: 1\nmodules: {b: {kind: k}}", "estudio: 1\nmodules: {b: {kind: k}, a: {kind: k}}"),
    ],
)
def test_the_first_module(text: str, result: str) -> None:
    under_edit = editor(text)
    under_edit.add_module("a", "k")
    assert under_edit.text == result


def test_the_last_module() -> None:
    under_edit = editor("estudio: 1\nmodules:  # all\n  a:\n    kind: k\n# end\n")
    under_edit.remove_module("a", {"a": ()})
    assert under_edit.text == "estudio: 1\nmodules: {}  # all\n# end\n"
    under_edit.add_module("b", "k")
    assert under_edit.text == "estudio: 1\nmodules:  # all\n  b:\n    kind: k\n# end\n"


def test_the_last_script_parameter_takes_its_mapping_along() -> None:
    under_edit = editor(EXAMPLE)
    under_edit.set_script_parameter("rank", "trees", 3)
    under_edit.set_script_parameter("rank", "trees", None)
    assert under_edit.text == EXAMPLE


def test_wrong_edits_are_refused_and_change_nothing() -> None:
    under_edit = editor()
    with pytest.raises(ModuleNotFound, match=r"x\.yaml has no module 'rnak'\. Did you mean 'rank'\?"):
        under_edit.set_setting("rnak", "seed", 1)
    with pytest.raises(ModuleNotFound):
        under_edit.connect("rank", "dataset1", "nothing")
    with pytest.raises(InvalidUsage, match="kind is no setting of a module that can be changed here"):
        under_edit.set_setting("rank", "kind", "dataset")
    with pytest.raises(InvalidUsage, match="comment is a field of every module, not a port"):
        under_edit.connect("rank", "comment", "diabetes")
    with pytest.raises(InvalidUsage, match=r"x\.yaml has a module 'rank' already: choose another name"):
        under_edit.add_module("rank", "dataset")
    with pytest.raises(InvalidUsage, match="A module cannot be called 'a b': names are letters, digits"):
        under_edit.rename_module("rank", "a b", INPUTS)
    with pytest.raises(InvalidUsage, match="A parameter cannot be called '1': use letters"):
        under_edit.set_experiment_parameter("1", {"type": "string"})
    with pytest.raises(InvalidUsage, match="inf cannot be written into a document: give a finite number"):
        under_edit.set_setting("rank", "rate", float("inf"))
    under_edit.rename_module("rank", "rank", INPUTS)
    assert under_edit.text == EXAMPLE


@pytest.mark.parametrize("text", ["? a\n: b\n", "a: 1\nb: 2\nb: 3\n", "[a]", "a: [\n"])
def test_what_cannot_be_changed_in_place_says_so(text: str) -> None:
    with pytest.raises(InvalidDocument) as raised:
        YamlText(text.encode(), "x.yaml").remove(("a",))
    assert "x.yaml" in raised.value.message


def test_a_document_is_written_only_where_it_changed(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(EXAMPLE)
    path.chmod(0o640)
    before = path.stat()
    under_edit = DocumentEditor.read(path)
    under_edit.set_setting("rank", "environment", "default")
    assert not under_edit.write(path)
    after = path.stat()  # reading may move the time of access
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino,
        before.st_mtime_ns,
        before.st_ctime_ns,
    )
    under_edit.set_setting("rank", "environment", "old")
    assert under_edit.write(path)
    assert path.read_text() == under_edit.text
    assert path.stat().st_mode == before.st_mode
    assert not under_edit.write(path)
    assert [found.name for found in tmp_path.iterdir()] == ["x.yaml"]


def test_somebody_elses_change_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(EXAMPLE)
    under_edit = DocumentEditor.read(path)
    under_edit.set_name("Mine")
    path.write_text("theirs")
    with pytest.raises(InvalidDocument, match=r"x\.yaml was changed by somebody else since it was read: read it again"):
        under_edit.write(path)
    assert path.read_text() == "theirs"
    path.unlink()
    with pytest.raises(InvalidDocument, match="was removed since it was read"):
        under_edit.write(path)
    assert list(tmp_path.iterdir()) == []


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.yaml").write_text(EXAMPLE)
    link = tmp_path / "x.yaml"
    link.symlink_to("real.yaml")
    under_edit = DocumentEditor.read(link)
    under_edit.set_name("Mine")
    assert under_edit.write(link)
    assert link.is_symlink()
    assert "Mine" in (tmp_path / "real.yaml").read_text()


def test_files_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    with pytest.raises(ExperimentNotFound):
        DocumentEditor.read(tmp_path / "no.yaml")
    with pytest.raises(InvalidDocument, match="cannot be read"):
        DocumentEditor.read(tmp_path)
    under_edit = editor()
    under_edit.set_name("Mine")
    (tmp_path / "x.yaml").mkdir()
    with pytest.raises(OutputFailed, match=r"x\.yaml cannot be written \(Is a directory\): check the folder's"):
        under_edit.write(tmp_path / "x.yaml")


def test_a_new_document_is_sound() -> None:
    text = new_document("A: first", {"data": {"kind": "enter-data", "data": "a,b\n1,2\n"}})
    assert text == (
        "# yaml-language-server: $schema=experiment.schema.json\nestudio: 1\nname: 'A: first'\nmodules:\n"
        "  data:\n    kind: enter-data\n    data: |\n      a,b\n      1,2\n"
    )
    checked = checked_experiment(parse_experiment_document(text.encode(), "x.yaml"), KINDS)
    assert checked.experiment.modules["data"].settings == {"data": "a,b\n1,2\n"}
    assert parse_experiment_document(new_document("B").encode(), "x.yaml").problems == ()
