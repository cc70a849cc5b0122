"""What a script call gives back: its state, tables, pictures, log, times and walls."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING

from estudio.core.outcome import Isolation, ScriptError, ScriptState, Timings, Visualization

if TYPE_CHECKING:
    from estudio.tables.table import Table


@dataclass(frozen=True, slots=True)
class ScriptOutcome:
    """The outcome of one script call. It is a value: whatever the script did, making and reading it never raises.

    Attributes:
        state: how the call ended.
        table: the first result table; None unless finished.
        table2: the second result table; None where the script returned none.
        visualization: what was printed, and the pictures.
        log: what was printed, standard output and error in order.
        timings: where the time went.
        isolation: the walls that stood around the call.
        error: why it did not finish; None when it did.
    """

    state: ScriptState
    table: Table | None
    table2: Table | None
    visualization: Visualization
    log: str
    timings: Timings
    isolation: Isolation
    error: ScriptError | None = None

    @property
    def finished(self) -> bool:
        """Whether the script ran to its end and its result is there."""
        return self.state is ScriptState.FINISHED

    def _repr_html_(self) -> str:
        """For notebooks: the state, then the table or the error."""
        head = f"<p><b>{html.escape(self.state.value)}</b> in {self.timings.total_seconds:.3f} s</p>"
        if self.table is not None:
            return head + self.table._repr_html_()
        if self.error is None:
            return head
        text = self.error.traceback or self.error.message
        return head + f"<pre>{html.escape(text)}</pre>"
