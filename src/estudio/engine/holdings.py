"""Outputs while a run needs them: in hand until they are stored, mapped from the store after that.

Memory does not grow with the number of modules: stored values are held only as long as there is room for few of them.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from estudio.engine.stored_values import load_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from estudio.core.experiment import OutputReference
    from estudio.core.run import StoredOutput
    from estudio.engine.stored_values import HeldOutput
    from estudio.modules.behaviour import PortValue
    from estudio.store.protocols import ObjectStore

RECENT_VALUES = 32
"""Stored values kept open for the next consumer: each has a descriptor, of which a process has a thousand."""
RECENT_BYTES = 1 << 20
"""Of one stored value that stays in memory; larger ones are mapped again, which takes less than a millisecond."""


class Holdings:
    """What the modules of one run gave. Any thread may call it."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self._lock = threading.Lock()
        self._held: dict[tuple[str, str], PortValue] = {}
        self._outputs: dict[str, tuple[StoredOutput, ...]] = {}
        self._recent: OrderedDict[str, PortValue] = OrderedDict()

    def add_held(self, module: str, held: Mapping[str, HeldOutput]) -> None:
        """A module has just given these; they are not stored yet."""
        with self._lock:
            self._held |= {(module, port): each.value for port, each in held.items()}
            self._outputs[module] = tuple(each.output for each in held.values())

    def add_stored(self, module: str, outputs: tuple[StoredOutput, ...]) -> None:
        """These are in the store now, from this run or an earlier one."""
        with self._lock:
            self._outputs[module] = outputs
            for output in outputs:
                value = self._held.pop((module, output.port), None)
                if value is not None and output.size_bytes <= RECENT_BYTES:
                    self._remember(output.digest, value)

    def outputs(self, modules: Iterable[str]) -> dict[str, tuple[StoredOutput, ...]]:
        """What these modules gave, as far as known now."""
        with self._lock:
            return {module: self._outputs[module] for module in modules}

    def forget(self, module: str) -> None:
        """Nobody will ask for this module's outputs any more."""
        with self._lock:
            self._outputs.pop(module, None)

    def output(self, source: OutputReference) -> StoredOutput:
        """What is known now of one output, which is there."""
        with self._lock:
            return self._output(source)

    def value(self, source: OutputReference) -> PortValue:
        """A value, from memory or mapped from the store.

        Raises:
            ObjectMissing: it is gone.
            ObjectDamaged: it cannot be used; it was removed, so that it is made anew.
        """
        with self._lock:
            if (source.module, source.port) in self._held:
                return self._held[source.module, source.port]
            output = self._output(source)
            if output.digest in self._recent:
                self._recent.move_to_end(output.digest)
                return self._recent[output.digest]
        value = load_value(self._objects, output)
        with self._lock:
            self._remember(output.digest, value)
        return value

    def _output(self, source: OutputReference) -> StoredOutput:
        return next(output for output in self._outputs[source.module] if output.port == source.port)

    def _remember(self, digest: str, value: PortValue) -> None:
        self._recent[digest] = value
        while len(self._recent) > RECENT_VALUES:
            self._recent.popitem(last=False)
