"""Which modules are live in a web service, which are frozen, which are replaced: by the graph alone."""

from __future__ import annotations

from estudio.core.experiment import Experiment, Module, OutputReference
from estudio.core.module_kind import Parameter, ParameterType, Value
from estudio.services.published_graph import PublishedGraph, published_graph

SCRIPT = "execute-python-script"


def module(kind: str, *sources: str, deterministic: bool = True, **settings: Value) -> tuple[str, Module]:
    ports = {f"dataset{number}": OutputReference(source, "results") for number, source in enumerate(sources, 1)}
    return kind, Module("", kind, settings, {}, ports, "", deterministic)


def graph(parameters: tuple[str, ...] = (), **modules: tuple[str, Module]) -> PublishedGraph:
    named = {
        name: Module(name, kind, one.settings, {}, one.connections, "", one.deterministic)
        for name, (kind, one) in modules.items()
    }
    declared = {name: Parameter(name, ParameterType.INTEGER, default=1) for name in parameters}
    return published_graph(Experiment("x", named, declared), parameters)


def test_training_is_frozen_and_scoring_live() -> None:
    found = graph(
        data=module("dataset"),
        train=module(SCRIPT, "data"),
        entry=module("web-service-input", "data"),
        score=module(SCRIPT, "entry", "train"),
        out=module("web-service-output", "score"),
    )
    assert found.live == ("entry", "score", "out")
    assert found.frozen == (OutputReference("train", "results"),)
    assert found.replaced == frozenset()
    assert (found.inputs, found.outputs, found.constant) == (("entry",), ("out",), ())


def test_what_only_feeds_an_input_is_replaced_though_a_parameter_names_it() -> None:
    found = graph(
        ("file",),
        data=module("dataset", dataset="${file}"),
        clean=module("select-columns", "data"),
        entry=module("web-service-input", "clean"),
        out=module("web-service-output", "entry"),
    )
    assert found.live == ("entry", "out")
    assert found.replaced == {"data", "clean"}
    assert found.frozen == ()


def test_a_parameter_makes_live_what_links_to_it_and_all_below() -> None:
    found = graph(
        ("trees",),
        data=module("dataset"),
        train=module("split-rows", "data", fraction="${trees}"),
        after=module("select-columns", "train"),
        entry=module("web-service-input", "data"),
        score=module(SCRIPT, "entry", "after"),
    )
    assert set(found.live) == {"train", "after", "entry", "score"}
    assert found.frozen == (OutputReference("data", "results"),)
    fixed = published_graph(
        Experiment(
            "x", {"a": Module("a", "split-rows", {"fraction": "${trees}"}), "i": Module("i", "web-service-input")}
        ),
        (),
    )
    assert fixed.live == ("i",)


def test_a_script_that_is_not_deterministic_is_live() -> None:
    found = graph(
        draw=module(SCRIPT, deterministic=False),
        entry=module("web-service-input"),
        score=module(SCRIPT, "entry", "draw"),
    )
    assert set(found.live) == {"draw", "entry", "score"}
    assert found.frozen == ()


def test_without_inputs_all_scripts_are_live_and_what_depends_on_them() -> None:
    found = graph(
        data=module("dataset"),
        first=module(SCRIPT, "data"),
        half=module("split-rows", "first"),
        other=module("select-columns", "data"),
        out=module("web-service-output", "half"),
        still=module("web-service-output", "other"),
    )
    assert set(found.live) == {"first", "half", "out"}
    assert found.frozen == (OutputReference("data", "results"), OutputReference("still", "results"))
    assert found.constant == ("still",)


def test_an_experiment_without_either_is_a_service_of_its_scripts() -> None:
    found = graph(data=module("dataset"), act=module(SCRIPT, "data"))
    assert (found.live, found.inputs, found.outputs) == (("act",), (), ())
