"""Module kinds for the documents' tests: a few of each shape, independent of those that are shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING

from estudio.core.module_kind import (
    InputPort,
    ModuleKind,
    ModuleShape,
    OutputPort,
    Parameter,
    ParameterType,
    PortType,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

TABLE, BUNDLE, PICTURE = PortType.TABLE, PortType.BUNDLE, PortType.VISUALIZATION
PYTHON_OUTPUTS = (
    OutputPort("results", TABLE),
    OutputPort("results2", TABLE),
    OutputPort("visualization", PICTURE),
)
PYTHON_SHAPE = ModuleShape(
    (
        InputPort("dataset1", TABLE, optional=True),
        InputPort("dataset2", TABLE, optional=True),
        InputPort("bundle", BUNDLE, optional=True),
    ),
    PYTHON_OUTPUTS,
    (
        Parameter("script", ParameterType.PATH, "the script's file", required=True),
        Parameter("environment", ParameterType.STRING, default="default"),
    ),
)


def kind(name: str, shape: ModuleShape, *, declares_more: bool = False) -> ModuleKind:
    return ModuleKind(name, 1, name.title(), f"Does {name}.", "Data", "box", shape, declares_more)


KINDS: Mapping[str, ModuleKind] = {
    found.name: found
    for found in (
        kind(
            "dataset",
            ModuleShape(
                outputs=(OutputPort("dataset", TABLE),),
                parameters=(Parameter("dataset", ParameterType.PATH, "the table's file", required=True),),
            ),
        ),
        kind(
            "script-bundle",
            ModuleShape(
                outputs=(OutputPort("bundle", BUNDLE),),
                parameters=(Parameter("path", ParameterType.PATH, required=True),),
            ),
        ),
        kind("execute-python-script", PYTHON_SHAPE, declares_more=True),
        kind(
            "split-rows",
            ModuleShape(
                (InputPort("dataset", TABLE),),
                (OutputPort("results1", TABLE), OutputPort("results2", TABLE)),
                (
                    Parameter("fraction", ParameterType.NUMBER, default=0.5, minimum=0, maximum=1),
                    Parameter("seed", ParameterType.INTEGER, default=0, minimum=0),
                    Parameter("shuffle", ParameterType.BOOLEAN, default=True),
                    Parameter("stratify", ParameterType.COLUMNS),
                ),
            ),
        ),
        kind(
            "join",
            ModuleShape(
                (InputPort("dataset1", TABLE), InputPort("dataset2", TABLE)),
                (OutputPort("results", TABLE),),
                (
                    Parameter("how", ParameterType.CHOICE, default="inner", choices=("inner", "left", "outer")),
                    Parameter("on", ParameterType.COLUMNS, required=True),
                    Parameter("rename", ParameterType.MAPPING),
                ),
            ),
        ),
        kind(
            "enter-data",
            ModuleShape(
                outputs=(OutputPort("dataset", TABLE),),
                parameters=(Parameter("data", ParameterType.TEXT, required=True),),
            ),
        ),
        kind(
            "export-data",
            ModuleShape(
                (InputPort("dataset", TABLE),),
                (),
                (Parameter("path", ParameterType.PATH, required=True, written=True),),
            ),
        ),
    )
}
EXAMPLE = """\
estudio: 1
name: Pima feature importance
parameters:
  trees: {type: integer, default: 250}
modules:
  diabetes: {kind: dataset, dataset: datasets/pima-indians-diabetes.csv}
  helpers:  {kind: script-bundle, path: bundles/helpers}
  rank:
    kind: execute-python-script
    script: scripts/rank_features.py
    dataset1: diabetes            # an output port: MODULE or MODULE.PORT
    bundle: helpers
    environment: default
"""
