"""Execute Python Script: tables and a bundle in, up to two tables and a visualization out.

Its script adds ports and parameters: `dataset3` … for further arguments by position, and its keyword-only arguments.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, cast

from estudio.core.calling import MAX_TABLES, Calling
from estudio.core.limits import MIB, Limits
from estudio.core.module_kind import InputPort, ModuleKind, ModuleShape, OutputPort, Parameter, ParameterType, PortType
from estudio.core.outcome import ScriptState
from estudio.core.unchecked import with_fields
from estudio.modules.behaviour import BundleFile, ModuleOutcome
from estudio.modules.call_values import flag_of, number_of, text_of
from estudio.modules.inputs import ScriptSource, read_script
from estudio.modules.script_reading import declared, script_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from estudio.core.experiment import Module
    from estudio.core.module_kind import Value
    from estudio.modules.behaviour import Behaviour, ModuleCall, PortValue, Settings
    from estudio.modules.call_message import ScriptCall
    from estudio.modules.kind_parts import KindParts
    from estudio.modules.script_outcome import ScriptOutcome
    from estudio.modules.script_values import ScriptValue
    from estudio.tables.table import Table

DEFAULT = Limits()
LIMITS = ("timeout_seconds", "memory_mib", "disk_mib", "output_mib", "log_mib", "processes")
"""Settings that decide whether a call ends well, never what it gives: no part of what a result depends on."""
TABLE_PORTS = tuple(f"dataset{number}" for number in range(1, MAX_TABLES + 1))
"""Input ports for tables; the script declares those beyond the second."""


def _limit(name: str, words: str, default: int) -> Parameter:
    return Parameter(name, ParameterType.INTEGER, words, default=default, minimum=1)


KIND = ModuleKind(
    name="execute-python-script",
    version=1,
    title="Execute Python Script",
    words="Runs the function azureml_main of a script on tables, in the sandbox.",
    category="Scripts",
    icon="square-code",
    shape=ModuleShape(
        inputs=(
            InputPort("dataset1", PortType.TABLE, "the first table", optional=True),
            InputPort("dataset2", PortType.TABLE, "the second table", optional=True),
            InputPort("bundle", PortType.BUNDLE, "helper modules and data files", optional=True),
        ),
        outputs=(
            OutputPort("results", PortType.TABLE, "the first table that the function returned; empty where none"),
            OutputPort("results2", PortType.TABLE, "the second one; where none, nothing is connected"),
            OutputPort("visualization", PortType.VISUALIZATION, "what it printed and drew"),
        ),
        parameters=(
            Parameter("script", ParameterType.PATH, "the script's file in the workspace", required=True),
            Parameter(
                "environment",
                ParameterType.STRING,
                "the packages that it sees: a name or a TOML file",
                default="default",
            ),
            Parameter(
                "calling",
                ParameterType.CHOICE,
                "how tables become arguments: by connection or by port",
                default=Calling.CLASSIC.value,
                choices=tuple(each.value for each in Calling),
            ),
            Parameter(
                "seed",
                ParameterType.INTEGER,
                "of the random numbers of Python and NumPy; the run's where none is given",
                minimum=0,
                maximum=2**32 - 1,
            ),
            Parameter("allow_programs", ParameterType.BOOLEAN, "let it start programs", default=False),
            Parameter(
                "timeout_seconds",
                ParameterType.NUMBER,
                "wall time of the script",
                default=DEFAULT.timeout_seconds,
                minimum=0.001,
            ),
            _limit("memory_mib", "memory of the script", DEFAULT.memory_bytes // MIB),
            _limit("disk_mib", "its working folder, the bundle and temporary files", DEFAULT.disk_bytes // MIB),
            _limit("output_mib", "result tables and pictures together", DEFAULT.output_bytes // MIB),
            _limit("log_mib", "what it prints", DEFAULT.log_bytes // MIB),
            _limit("processes", "processes and threads at one time", DEFAULT.processes),
        ),
    ),
    declares_more=True,
)


@dataclass(frozen=True, slots=True)
class ScriptKind:
    """The kind at work."""

    parts: KindParts

    @property
    def kind(self) -> ModuleKind:
        """Its description."""
        return KIND

    def shape(self, module: Module, files: Callable[[str], Path]) -> ModuleShape:
        """The kind's own, and what the script declares. Raises InvalidInput."""
        path = text_of(module.settings, "script")
        if path is None or "${" in path:
            return KIND.shape
        is_python2 = self.parts.is_python2(environment_of(module.settings))
        further, parameters = declared(_source(path, files), python2=is_python2)
        first, second, bundle = KIND.shape.inputs
        return ModuleShape((first, second, *further, bundle), KIND.shape.outputs, KIND.shape.parameters, parameters)

    def dependencies(
        self,
        module: Module,  # noqa: ARG002 -- the protocol's
        settings: Settings,
        files: Callable[[str], Path],
    ) -> Mapping[str, str]:
        """The script without comments and formatting, and what the environment's packages are.

        A name here stands for the setting of that name, so limits are constant.
        """
        chosen = settings.settings
        source = _source(text_of(chosen, "script") or "", files)
        return {
            "script": script_digest(source),
            "environment": self.parts.executors.environment_digest(environment_of(chosen)),
            "calling": text_of(chosen, "calling") or Calling.CLASSIC.value,
            **dict.fromkeys(LIMITS, "any"),
        }

    def execute(self, call: ModuleCall) -> ModuleOutcome:
        """Run the script. Raises InvalidInput, EnvironmentFailed, SandboxUnavailable."""
        prepared = prepared_call(call.settings, call.files)
        script_call = with_inputs(prepared, call.inputs, call.seed)
        environment = environment_of(call.settings.settings)
        outcome = self.parts.executors.executor_for(environment).call(script_call, call.on_output)
        return outcome_of(outcome, {"environment": environment, "seed": script_call.seed})


def prepared_call(settings: Settings, files: Callable[[str], Path]) -> ScriptCall:
    """A call with all but its inputs; its seed is None where the settings give none. Raises InvalidInput."""
    from estudio.modules.call_message import ScriptCall  # noqa: PLC0415 -- imports the sandbox

    chosen = settings.settings
    seed = number_of(chosen, "seed")
    return ScriptCall(
        _source(text_of(chosen, "script") or "", files),
        calling=Calling(text_of(chosen, "calling") or Calling.CLASSIC),
        limits=limits_of(chosen),
        seed=None if seed is None else int(seed),
        allow_programs=flag_of(chosen, "allow_programs") is True,
        parameters=_parameters(settings.parameters),
    )


def with_inputs(
    prepared: ScriptCall, inputs: Mapping[str, PortValue], seed: int, limits: Limits | None = None
) -> ScriptCall:
    """The call itself: with these inputs by port, this seed where it has none of its own, and other limits if given."""
    bundle = inputs.get("bundle")
    return with_fields(
        prepared,
        tables=_tables(inputs),
        bundle=bundle.path if isinstance(bundle, BundleFile) else None,
        seed=seed if prepared.seed is None else prepared.seed,
        limits=prepared.limits if limits is None else limits,
    )


def limits_of(settings: Mapping[str, Value]) -> Limits:
    """The limits that the settings give."""

    def size(name: str, default: int) -> int:
        mebibytes = number_of(settings, name)
        return default if mebibytes is None else int(mebibytes) * MIB

    seconds, processes = number_of(settings, "timeout_seconds"), number_of(settings, "processes")
    return Limits(
        timeout_seconds=DEFAULT.timeout_seconds if seconds is None else seconds,
        memory_bytes=size("memory_mib", DEFAULT.memory_bytes),
        disk_bytes=size("disk_mib", DEFAULT.disk_bytes),
        output_bytes=size("output_mib", DEFAULT.output_bytes),
        log_bytes=size("log_mib", DEFAULT.log_bytes),
        processes=DEFAULT.processes if processes is None else int(processes),
    )


def environment_of(settings: Mapping[str, Value]) -> str:
    """The environment that the settings name."""
    return text_of(settings, "environment") or "default"


def _source(path: str, files: Callable[[str], Path]) -> ScriptSource:
    """The script under the name that its author knows, wherever the snapshot keeps it."""
    return ScriptSource(PurePosixPath(path).name, read_script(Path(files(path))).text)


def _tables(inputs: Mapping[str, PortValue]) -> tuple[Table | None, ...]:
    """By port, up to the last connected one."""
    from estudio.tables.table import Table  # noqa: PLC0415 -- imports Arrow, which reused results need not

    found = [value if isinstance(value := inputs.get(port), Table) else None for port in TABLE_PORTS]
    while found and found[-1] is None:
        found.pop()
    return tuple(found)


def _parameters(given: Mapping[str, Value]) -> dict[str, ScriptValue]:
    """Those that have a value; the others keep the script's own default."""
    return {name: cast("ScriptValue", value) for name, value in given.items() if value is not None}


def outcome_of(outcome: ScriptOutcome, facts: Mapping[str, str | float | None]) -> ModuleOutcome:
    """What came of a script call as what came of its module."""
    from estudio.tables.table import Table  # noqa: PLC0415 -- imports Arrow, which reused results need not

    outputs: dict[str, PortValue] = {"visualization": outcome.visualization}
    if outcome.finished:
        outputs["results"] = Table.empty() if outcome.table is None else outcome.table
    if outcome.table2 is not None:
        outputs["results2"] = outcome.table2
    return ModuleOutcome(
        outputs,
        outcome.log,
        outcome.error,
        cancelled=outcome.state is ScriptState.CANCELLED,
        timings=outcome.timings,
        facts={
            **facts,
            "state": outcome.state.value,
            "isolation": outcome.isolation.level.value,
            "missing_walls": ", ".join(outcome.isolation.missing),
        },
    )


def behaviour(parts: KindParts) -> Behaviour:
    """The kind at work."""
    return ScriptKind(parts)
