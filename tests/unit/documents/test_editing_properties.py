"""Any edits, in any order: values come back, and all that is untouched stays as it was."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from estudio.documents.editing import DocumentEditor
from estudio.documents.problems import ProblemList
from estudio.documents.yaml_editing import YamlText
from estudio.documents.yaml_tree import YamlMapping, parse_yaml, plain_value, read_text, value_of
from estudio.documents.yaml_writing import write_value
from estudio.errors import InvalidUsage, ModuleNotFound
from tests.unit.documents.kinds import EXAMPLE
from tests.unit.documents.odd_document import INPUTS, ODD

texts = st.text(max_size=12) | st.sampled_from(
    [
        "",
        "no",
        "1",
        "1.5",
        "~",
        "- a",
        "a: b",
        "a #b",
        "# a",
        "${x}",
        "é",
        "a\nb",
        "a\n\nb\n",
        " a",
        "a ",
        "\n",
        "|",
        "'",
    ]
)
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | texts
written = scalars | st.lists(scalars, max_size=4) | st.dictionaries(texts, scalars, max_size=3)


@given(written)
def test_any_value_comes_back(value: Any) -> None:
    for text in (f"a: {write_value(value)}\n", f"{{a: {write_value(value, in_flow=True)}}}"):
        problems = ProblemList("x")
        tree = parse_yaml(read_text(text.encode("utf-8", "surrogatepass"), problems), problems)
        assert isinstance(tree, YamlMapping)
        assert repr(value_of(tree)) == repr({"a": value})


@given(texts)
def test_plain_text_is_plain_for_every_reader(text: str) -> None:
    assert yaml.safe_load(write_value(text)) == text
    assert plain_value("y") == "y"
    assert write_value("y") == "'y'"


names = st.sampled_from(["diabetes", "helpers", "rank", "again"])
fields = st.sampled_from(["dataset", "comment", "path", "script", "seed", "columns"])
ports = st.sampled_from(["dataset1", "dataset2", "bundle"])
edits = st.one_of(
    st.tuples(st.just("set_setting"), names, fields, written),
    st.tuples(st.just("set_script_parameter"), names, fields, written),
    st.tuples(st.just("connect"), names, ports, names, st.none() | st.just("results")),
    st.tuples(st.just("disconnect"), names, ports),
    st.tuples(st.just("add_module"), st.sampled_from(["x", "y", "12"]), st.just("dataset")),
    st.tuples(st.just("remove_module"), names, st.just(INPUTS)),
    st.tuples(st.just("rename_module"), names, st.sampled_from(["u", "v", "true"]), st.just(INPUTS)),
    st.tuples(st.just("set_name"), texts.filter(bool)),
    st.tuples(st.just("set_description"), texts),
    st.tuples(
        st.just("set_experiment_parameter"),
        st.sampled_from(["trees", "p"]),
        st.just({"type": "string", "default": "a"}),
    ),
    st.tuples(st.just("remove_experiment_parameter"), st.sampled_from(["trees", "depth", "p"])),
)


def touched_lines(tree: YamlMapping, text: str, edit: tuple[Any, ...]) -> set[int]:
    """The lines, counted from 0, that an edit may change or remove."""
    found: set[int] = set()

    def note(value: YamlMapping, names: set[str]) -> None:
        for name, entry in value.entries.items():
            if name in names:
                last = text.count("\n", 0, max(entry.value.end, entry.key.end))
                found.update(range(entry.key.line - 1, last + 1))
            if isinstance(entry.value, YamlMapping):
                note(entry.value, names)
                if entry.value.flow or len(entry.value.entries) <= 1:
                    ending = text.count("\n", 0, entry.value.end)
                    found.update(range(entry.key.line - 1, ending + 1))

    words = {word for word in edit if isinstance(word, str)}
    places = {"set_name": {"name"}, "set_description": {"description"}}.get(edit[0], words)
    if edit[0] in {"remove_module", "rename_module", "set_script_parameter"}:
        places = places | {"dataset1", "dataset2", "bundle"} if edit[0] != "set_script_parameter" else places
        places = places if edit[0] != "set_script_parameter" else (places - set(INPUTS)) | {"parameters"}
    elif edit[0] not in {"set_name", "set_description"}:
        places = places - set(INPUTS)
    note(tree, places)
    return found


@settings(deadline=None)
@given(st.sampled_from([ODD, EXAMPLE, ODD.replace("\n", "\r\n")]), st.lists(edits, max_size=6))
def test_any_edits_leave_all_other_lines_as_they_were(text: str, sequence: list[tuple[Any, ...]]) -> None:
    under_edit = DocumentEditor(text.encode(), "x.yaml")
    for edit in sequence:
        before, tree = under_edit.text, under_edit._yaml.tree
        try:
            getattr(under_edit, edit[0])(*edit[1:])
        except (ModuleNotFound, InvalidUsage):
            assert under_edit.text == before
            continue
        may = touched_lines(tree, before, edit)
        untouched = [line for at, line in enumerate(before.splitlines()) if at not in may and line.strip()]
        left = iter(under_edit.text.splitlines())
        assert [line for line in untouched if line not in left] == [], edit  # as a subsequence
    assert YamlText(under_edit.content, "x.yaml").text == under_edit.text
