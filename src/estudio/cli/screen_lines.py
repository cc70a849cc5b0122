"""Where the lines of a run's view go: plainly to a stream, or above a part of the terminal that is drawn anew."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, TextIO

from estudio.cli.module_lines import counts_words, seconds_words
from estudio.cli.screen import Tone, console_for, write_line
from estudio.cli.state_words import MODULE_WORDS
from estudio.cli.untrusted_text import neutralise_line, neutralise_lines
from estudio.core.run import ModuleState

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from estudio.cli.run_progress import RunProgress

MAX_DRAWN_MODULES = 8
"""Running modules that are drawn, with their last lines; more would push the permanent lines off a small screen."""
REFRESHES_A_SECOND = 8
_STYLES: dict[Tone, str] = {"good": "green", "warning": "yellow", "error": "bold red", "faint": "dim"}


def lines_for(stream: TextIO) -> PlainLines | LiveLines:
    """Lines that are drawn anew where the stream is a terminal that can move its cursor, plain ones elsewhere."""
    if stream.isatty() and os.environ.get("TERM") != "dumb" and not os.environ.get("NO_COLOR"):
        return LiveLines(stream)
    return PlainLines(stream)


def _shows_unicode(stream: TextIO) -> bool:
    return (getattr(stream, "encoding", None) or "").lower().startswith("utf")


class PlainLines:
    """Lines, one after the other."""

    live = False

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.unicode = _shows_unicode(stream)

    def tell(self, text: str, tone: Tone = "plain") -> None:
        """One line, or several."""
        write_line(self._stream, neutralise_lines(text), tone)

    def draw(self, progress: RunProgress) -> None:
        """Nothing: what runs now is seen from what it prints."""

    def end(self) -> None:
        """Nothing was drawn."""


class LiveLines:
    """Lines that scroll, above a few that show what runs now."""

    live = True

    def __init__(self, stream: TextIO) -> None:
        from rich.live import Live  # noqa: PLC0415

        self.unicode = _shows_unicode(stream)
        self._drawn: tuple[tuple[str, float | None, tuple[str, ...]], ...] = ()
        self._below = ""
        self._live = Live(
            console=console_for(stream),
            get_renderable=self._renderable,
            refresh_per_second=REFRESHES_A_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def tell(self, text: str, tone: Tone = "plain") -> None:
        """One line, or several, above what is drawn."""
        self._live.console.print(_text(neutralise_lines(text), tone), soft_wrap=True)

    def draw(self, progress: RunProgress) -> None:
        """Keep what the next refresh shows. It is drawn in another thread, so it is a value of its own."""
        running = list(progress.running.items())
        self._drawn = tuple(
            (name, progress.modules[name].started_at, tuple(last.lines())) for name, last in running[:MAX_DRAWN_MODULES]
        )
        more = len(running) - len(self._drawn)
        self._below = f"{counts_words(progress.counts)}{f' ({more} more)' if more > 0 else ''}"

    def end(self) -> None:
        """Take away what was drawn; a second time does nothing."""
        self._drawn, self._below = (), ""
        self._live.stop()

    def _renderable(self) -> RenderableType:
        from rich.console import Group  # noqa: PLC0415

        now, words = time.time(), MODULE_WORDS[ModuleState.RUNNING]
        parts: list[RenderableType] = []
        for name, started_at, lines in self._drawn:
            took = "" if started_at is None else seconds_words(now - started_at)
            sign = words.sign if self.unicode else words.plain_sign
            parts.append(_cut(_text(neutralise_line(f"{sign} {name}  {words.words}  {took}"), "plain")))
            parts += [_cut(_text(neutralise_line(f"    {line}"), "faint")) for line in lines]
        if self._below:
            parts.append(_cut(_text(self._below, "faint")))
        return Group(*parts)


def _text(text: str, tone: Tone) -> Text:
    from rich.text import Text  # noqa: PLC0415

    return Text(text, style=_STYLES.get(tone, ""))


def _cut(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text
