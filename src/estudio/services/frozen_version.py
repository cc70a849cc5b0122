"""The manifest of a version: one stored object that names all that a call needs, and says how it is put together.

Nothing in it tells of one publishing alone (no times, no run): publishing the same thing again gives the same digest.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from estudio.core.experiment import OutputReference
from estudio.core.module_kind import Parameter, ParameterType, PortType
from estudio.core.run import StoredOutput
from estudio.core.schema import Column
from estudio.core.service import ServiceIsolation, ServicePort
from estudio.engine.snapshot import load_snapshot
from estudio.errors import InvalidDocument, ObjectDamaged, StoreDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from estudio.core.module_kind import Value
    from estudio.store.protocols import ObjectStore

T = TypeVar("T")

MANIFEST_FORMAT = 1
MAX_MANIFEST_BYTES = 64 << 20
"""Twenty thousand modules with tables that were typed into the document."""
_DIGEST_SIGNS = frozenset("0123456789abcdef")
_DIGEST_CHARACTERS = 64


@dataclass(frozen=True, slots=True)
class LiveModule:
    """A module that works in each call, as it was when the version was made.

    Attributes:
        name: in the document.
        kind: the kind's name.
        kind_version: at that time.
        settings: every setting that has a value, the workspace's defaults filled in; links are still in place.
        parameters: of the script, alike.
        connections: by input port.
        required: input ports that must get something.
        script_parameters: what its script declared.
    """

    name: str
    kind: str
    kind_version: int
    settings: Mapping[str, Value] = field(default_factory=dict)
    parameters: Mapping[str, Value] = field(default_factory=dict)
    connections: Mapping[str, OutputReference] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    script_parameters: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class FrozenValue:
    """What an output port of a module gave when the version was made."""

    module: str
    output: StoredOutput

    @property
    def reference(self) -> OutputReference:
        """The port."""
        return OutputReference(self.module, self.output.port)


@dataclass(frozen=True, slots=True)
class FrozenVersion:
    """All that a call of one version needs.

    Attributes:
        experiment: the document's name.
        title: the experiment's name for people.
        description: its words.
        snapshot: the digest of the run's snapshot: documents, scripts, bundles.
        seed: of modules without one of their own, where a call gives none that counts.
        parameters: of the service; defaults are the design-time values.
        fixed: values of the experiment's other parameters.
        fixed_parameters: these.
        modules: the live ones, each after those that it takes from.
        inputs: of the service.
        outputs: alike.
        values: what live modules and outputs read of modules that are not live.
        defaults: what each web-service-input gave at design time, by input; for calls without that input.
        environments: names to digests of records: spec, lock, versions.
        isolation: of scripts.
        row_wise: each output row depends on its input row alone.
    """

    experiment: str
    title: str
    description: str
    snapshot: str
    seed: int
    parameters: tuple[Parameter, ...] = ()
    fixed: Mapping[str, Value] = field(default_factory=dict)
    fixed_parameters: tuple[Parameter, ...] = ()
    modules: tuple[LiveModule, ...] = ()
    inputs: tuple[ServicePort, ...] = ()
    outputs: tuple[ServicePort, ...] = ()
    values: tuple[FrozenValue, ...] = ()
    defaults: Mapping[str, StoredOutput] = field(default_factory=dict)
    environments: Mapping[str, str] = field(default_factory=dict)
    isolation: ServiceIsolation = ServiceIsolation.CALL
    row_wise: bool = False

    @property
    def digests(self) -> frozenset[str]:
        """All objects that it names itself."""
        return frozenset(
            {
                self.snapshot,
                *(value.output.digest for value in self.values),
                *(output.digest for output in self.defaults.values()),
                *(port.sample for port in (*self.inputs, *self.outputs)),
                *self.environments.values(),
            }
        )


def manifest_bytes(frozen: FrozenVersion) -> bytes:
    """The manifest as JSON: the same value always gives the same bytes."""
    body = {"format": MANIFEST_FORMAT, **asdict(frozen)}
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def save_manifest(objects: ObjectStore, frozen: FrozenVersion) -> str:
    """Keep it; what it names is kept already. Returns its digest. Raises StoreFailed."""
    return objects.put_bytes(manifest_bytes(frozen))


def load_manifest(objects: ObjectStore, digest: str) -> FrozenVersion:
    """The manifest of that digest.

    Raises:
        ObjectMissing: it is gone.
        ObjectDamaged: it is no manifest.
        StoreDamaged: a later version of estudio wrote it.
    """
    content = objects.read_bytes(digest, MAX_MANIFEST_BYTES)
    try:
        return parse_manifest(json.loads(content))
    except (InvalidDocument, ValueError, RecursionError) as error:
        raise ObjectDamaged(
            f"The manifest {digest[:12]} of a web service's version cannot be read: {error}. Publish it again; "
            "`estudio store verify` lists what is damaged.",
            digest=digest,
        ) from error


def digests_of(objects: ObjectStore, manifest_digest: str) -> set[str]:
    """Everything that a version needs: the manifest, what it names, and what its snapshot names. Raises StoreFailed."""
    frozen = load_manifest(objects, manifest_digest)
    return {manifest_digest, *frozen.digests, *load_snapshot(objects, frozen.snapshot).digests}


def parse_manifest(untrusted: object) -> FrozenVersion:
    """Read a manifest from JSON; every field must be there and no other.

    Raises:
        InvalidDocument: it has a wrong form.
        StoreDamaged: a later version of estudio wrote it.
    """
    body = _Fields(untrusted, "the manifest")
    if body.whole("format") != MANIFEST_FORMAT:
        raise StoreDamaged("A web service was published by a later version of estudio. Use that version, or newer.")
    frozen = FrozenVersion(
        body.text("experiment"),
        body.text("title"),
        body.text("description"),
        body.digest("snapshot"),
        body.whole("seed"),
        body.all("parameters", _parameter),
        body.values("fixed"),
        body.all("fixed_parameters", _parameter),
        body.all("modules", _module),
        body.all("inputs", _port),
        body.all("outputs", _port),
        body.all("values", _value),
        body.each("defaults", _output),
        body.each("environments", _digest),
        ServiceIsolation(body.choice("isolation", tuple(ServiceIsolation))),
        body.flag("row_wise"),
    )
    body.done()
    return frozen


class _Fields:
    """The fields of one JSON object, each taken once by its type."""

    def __init__(self, untrusted: object, what: str) -> None:
        if not isinstance(untrusted, dict):
            raise InvalidDocument(f"{what} is no object")
        self._left: dict[str, Any] = dict(untrusted)
        self._what = what

    def take(self, name: str) -> Any:  # noqa: ANN401 -- JSON of any kind
        if name not in self._left:
            raise InvalidDocument(f"{self._what} has no {name}")
        return self._left.pop(name)

    def typed(self, name: str, *types: type) -> Any:  # noqa: ANN401 -- of these types
        value = self.take(name)
        if type(value) not in types:
            raise InvalidDocument(f"{self._what} has a wrong {name}")
        return value

    def text(self, name: str) -> str:
        return str(self.typed(name, str))

    def whole(self, name: str) -> int:
        return int(self.typed(name, int))

    def flag(self, name: str) -> bool:
        return bool(self.typed(name, bool))

    def digest(self, name: str) -> str:
        return _digest(self.take(name))

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.text(name)
        if value not in choices:
            raise InvalidDocument(f"{self._what} has a wrong {name}")
        return value

    def all(self, name: str, parse: Callable[[object], T]) -> tuple[T, ...]:
        return tuple(parse(each) for each in self.typed(name, list))

    def each(self, name: str, parse: Callable[[object], T]) -> dict[str, T]:
        return {key: parse(value) for key, value in self.typed(name, dict).items()}

    def values(self, name: str) -> dict[str, Value]:
        return cast("dict[str, Value]", self.typed(name, dict))

    def done(self) -> None:
        if self._left:
            raise InvalidDocument(f"{self._what} has an unknown {next(iter(self._left))[:80]!r}")


def _digest(untrusted: object) -> str:
    if (
        not isinstance(untrusted, str)
        or len(untrusted) != _DIGEST_CHARACTERS
        or not _DIGEST_SIGNS.issuperset(untrusted)
    ):
        raise InvalidDocument("the manifest has a wrong digest")
    return untrusted


def _text(untrusted: object) -> str:
    if not isinstance(untrusted, str):
        raise InvalidDocument("the manifest has no text where one belongs")
    return untrusted


def _parameter(untrusted: object) -> Parameter:
    body = _Fields(untrusted, "a parameter")
    parameter = Parameter(
        body.text("name"),
        ParameterType(body.choice("type", tuple(ParameterType))),
        body.text("words"),
        body.take("default"),
        body.flag("required"),
        body.all("choices", _text),
        body.typed("minimum", int, float, type(None)),
        body.typed("maximum", int, float, type(None)),
        body.flag("written"),
    )
    body.done()
    return parameter


def _reference(untrusted: object) -> OutputReference:
    body = _Fields(untrusted, "a connection")
    reference = OutputReference(body.text("module"), body.text("port"))
    body.done()
    return reference


def _module(untrusted: object) -> LiveModule:
    body = _Fields(untrusted, "a module")
    module = LiveModule(
        body.text("name"),
        body.text("kind"),
        body.whole("kind_version"),
        body.values("settings"),
        body.values("parameters"),
        body.each("connections", _reference),
        body.all("required", _text),
        body.all("script_parameters", _parameter),
    )
    body.done()
    return module


def _column(untrusted: object) -> Column:
    body = _Fields(untrusted, "a column")
    column = Column(body.text("name"), body.text("type"), body.whole("missing"))
    body.done()
    return column


def _port(untrusted: object) -> ServicePort:
    body = _Fields(untrusted, "a port")
    port = ServicePort(body.text("name"), body.text("module"), body.all("columns", _column), body.digest("sample"))
    body.done()
    return port


def _pair(untrusted: object) -> tuple[str, str]:
    match untrusted:
        case [str(name), str(type_)]:
            return name, type_
    raise InvalidDocument("a stored table has a wrong column")


def _output(untrusted: object) -> StoredOutput:
    body = _Fields(untrusted, "a value")
    output = StoredOutput(
        body.text("port"),
        body.choice("type", tuple(PortType)),
        body.digest("digest"),
        body.whole("size_bytes"),
        body.typed("row_count", int, type(None)),
        body.all("columns", _pair),
    )
    body.done()
    return output


def _value(untrusted: object) -> FrozenValue:
    body = _Fields(untrusted, "a frozen value")
    value = FrozenValue(body.text("module"), _output(body.take("output")))
    body.done()
    return value
