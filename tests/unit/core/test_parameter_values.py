"""Values of parameters: what `--set` means, links and defaults filled in, one form for equal values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.experiment import Experiment, Module
from estudio.core.module_kind import ModuleShape, Parameter, ParameterType, Value
from estudio.core.parameter_links import can_take, linked_value, links_in, lone_link
from estudio.core.parameter_values import (
    ResolvedSettings,
    find_path_problem,
    find_value_problem,
    normal_path,
    normal_value,
    parse_overrides,
    parse_value,
    resolve_settings,
)
from estudio.errors import InvalidDocument, InvalidUsage

T = ParameterType


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        (T.INTEGER, "500", 500), (T.INTEGER, " -3 ", -3), (T.NUMBER, "1", 1.0), (T.NUMBER, "1e3", 1000.0),
        (T.BOOLEAN, "True", True), (T.BOOLEAN, "false", False), (T.STRING, "", ""), (T.STRING, "1", "1"),
        (T.CHOICE, "gini", "gini"), (T.COLUMNS, "a, b", ["a", "b"]), (T.COLUMNS, "", []),
        (T.MAPPING, "a=b,c=d=e", {"a": "b", "c": "d=e"}), (T.MAPPING, "", {}), (T.PATH, "./a//b.csv", "a/b.csv"),
        (T.TEXT, "a\nb", "a\nb"),
    ],
)  # fmt: skip
def test_what_set_means(type_: ParameterType, text: str, value: Value) -> None:
    given_value = parse_value(Parameter("p", type_, choices=("gini", "entropy")), text)
    assert given_value == value
    assert type(given_value) is type(value)


@pytest.mark.parametrize(
    ("type_", "text", "words"),
    [
        (T.INTEGER, "1.5", "p is '1.5', but it takes a whole number: write e.g. 1."),
        (T.INTEGER, "", "p is '', but it takes a whole number: write e.g. 1."),
        (T.INTEGER, "12345678901234567890", "p is '12345678901234567890', but it takes a whole number: write e.g. 1."),
        (T.NUMBER, "nan", "p is 'nan', but it takes a number: write e.g. 1."),
        (T.NUMBER, "1e999", "p is inf, which no number here can be: write a smaller one."),
        (T.BOOLEAN, "yes", "p is 'yes', but it takes true or false: write true or false, without quotes."),
        (T.CHOICE, "gin", "p is 'gin'; it can be gini, entropy. Did you mean 'gini'?"),
        (T.MAPPING, "a", "p is 'a', but it takes names with texts: write e.g. {age: integer}."),
        (T.PATH, "../a", "p is '../a'; '..' is not allowed: write the path from the workspace's folder."),
    ],
)
def test_what_set_refuses(type_: ParameterType, text: str, words: str) -> None:
    with pytest.raises(InvalidUsage) as raised:
        parse_value(Parameter("p", type_, choices=("gini", "entropy")), text)
    assert raised.value.message == f"--set {words}"


PARAMETERS = {
    "trees": Parameter("trees", T.INTEGER, default=250, minimum=1),
    "name": Parameter("name", T.STRING, required=True),
}


def test_overrides() -> None:
    assert parse_overrides(PARAMETERS, ["trees=500", "name=a=b"]) == {"trees": 500, "name": "a=b"}


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["trees"], "--set 'trees' has no '=': write --set NAME=VALUE."),
        (["tree=1"], "The experiment has no parameter 'tree'. Did you mean 'trees'?"),
        (["x=1"], "The experiment has no parameter 'x'. It has trees, name."),
        (["trees=1", "trees=2"], "--set gives 'trees' twice: give it once."),
        (["trees=0"], "--set trees is 0; the least is 1: write 1 or more."),
    ],
)
def test_wrong_overrides(texts: list[str], words: str) -> None:
    with pytest.raises(InvalidUsage) as raised:
        parse_overrides(PARAMETERS, texts)
    assert raised.value.message == words


def test_an_experiment_without_parameters_says_so() -> None:
    with pytest.raises(InvalidUsage, match=r"The experiment has no parameter 'x'\. It has none"):
        parse_overrides({}, ["x=1"])


SHAPE = ModuleShape(
    parameters=(
        Parameter("script", T.PATH, required=True),
        Parameter("title", T.STRING),
        Parameter("fraction", T.NUMBER, default=1),
    ),
    script_parameters=(
        Parameter("trees", T.INTEGER, default=10),
        Parameter("target", T.STRING),
        Parameter("columns", T.COLUMNS),
    ),
)


def experiment(**settings: Value) -> tuple[Experiment, Module]:
    module = Module("m", "k", {"script": "./a.py", **settings}, {"trees": "${trees}", "columns": "age"})
    return Experiment("x", {"m": module}, PARAMETERS), module


def test_settings_are_resolved_with_links_and_defaults() -> None:
    whole, module = experiment(title="${name}: ${trees} of $${x}")
    assert resolve_settings(whole, module, SHAPE, {"name": "n"}) == ResolvedSettings(
        {"script": "a.py", "title": "n: 250 of ${x}", "fraction": 1.0}, {"trees": 250, "columns": ["age"]}
    )
    resolved = resolve_settings(whole, module, SHAPE, {"name": "n", "trees": 3})
    assert resolved.parameters["trees"] == 3
    assert isinstance(resolved.settings["fraction"], float)


def test_a_missing_value_for_a_run_is_named() -> None:
    with pytest.raises(InvalidUsage, match="The parameter 'name' of the experiment needs a value; it has no default"):
        resolve_settings(*experiment(), SHAPE, {})
    with pytest.raises(InvalidUsage, match=r"no parameter 'nome'\. Did you mean 'name'"):
        resolve_settings(*experiment(), SHAPE, {"nome": 1})
    with pytest.raises(InvalidUsage, match="The parameter trees is 0; the least is 1"):
        resolve_settings(*experiment(), SHAPE, {"name": "n", "trees": 0})


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(InvalidDocument, match="The module m: fraction is 'x', but it takes a number"):
        resolve_settings(*experiment(fraction="x"), SHAPE, {"name": "n"})


def test_a_missing_required_setting_is_refused() -> None:
    module = Module("m", "k")
    with pytest.raises(InvalidDocument, match="The module m: script has no value"):
        resolve_settings(Experiment("x", {"m": module}), module, SHAPE, {})


def test_links() -> None:
    assert list(links_in(["${a}", {"b": "x${c-1}y${d}"}, "$${e}", 3, None])) == ["a", "c-1", "d"]
    assert list(links_in("${a")) == ["{a"]
    assert lone_link("${a}") == "a"
    assert lone_link("${a} ") is None
    assert lone_link("${a}${b}") is None
    assert lone_link("$${a}") is None
    assert linked_value("${a}", {"a": ["x"]}) == ["x"]
    assert linked_value({"k": "${t}/${f}/${n}"}, {"t": True, "f": 0.5, "n": None}) == {"k": "true/0.5/"}


def test_a_link_alone_takes_equal_types_and_no_loss() -> None:
    assert can_take(T.NUMBER, T.INTEGER)
    assert not can_take(T.INTEGER, T.NUMBER)
    assert not can_take(T.STRING, T.INTEGER)
    assert all(can_take(type_, type_) for type_ in ParameterType)


@pytest.mark.parametrize("path", ["a", "a/b.csv", "./a", "a//b", "á é.csv", "a..b", "..."])
def test_paths(path: str) -> None:
    assert find_path_problem(path) is None


@pytest.mark.parametrize("path", ["", "/a", "../a", "a/..", "a\\b", "C:/a", "~/a", "a\nb", "a\0b", "a" * 10_001])
def test_wrong_paths(path: str) -> None:
    assert find_path_problem(path) is not None


def test_the_one_form_of_a_path() -> None:
    assert normal_path("./a//b/./c") == "a/b/c"
    assert normal_path("./") == "."


@pytest.mark.parametrize("type_", ParameterType)
def test_too_much_is_refused(type_: ParameterType) -> None:
    large: dict[ParameterType, Value] = {
        T.COLUMNS: ["a"] * 100_001,
        T.MAPPING: {str(number): "a" for number in range(100_001)},
        T.INTEGER: 2**63,
        T.NUMBER: 10**400,
        T.TEXT: "a" * 8_000_001,
        T.BOOLEAN: 2,
    }
    problem = find_value_problem(Parameter("p", type_, choices=("a",)), large.get(type_, "a" * 10_001))
    assert problem is not None
    assert len(problem.words) < 300


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(ParameterType), values)
def test_any_value_is_judged_and_a_sound_one_has_one_form(type_: ParameterType, value: Value) -> None:
    parameter = Parameter("p", type_, choices=("a",))
    problem = find_value_problem(parameter, value)
    if problem is None:
        once = normal_value(parameter, value)
        assert find_value_problem(parameter, once) is None
        assert normal_value(parameter, once) == once
    else:
        assert problem.words.isprintable()
