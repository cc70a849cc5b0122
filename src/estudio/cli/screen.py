"""Where words go: standard output and standard error, with colour, progress and safety as each stream deserves.

Standard output carries data (or what the script prints and the preview), standard error everything that estudio says.
Rich is imported only where a table or a spinner is drawn: it costs more than all else that a quick run needs.
"""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Literal, Self, TextIO

from estudio.cli.untrusted_text import TerminalText, neutralise_line, neutralise_lines
from estudio.errors import OutputFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from rich.console import Console, RenderableType
    from rich.status import Status

Tone = Literal["plain", "good", "warning", "loud", "error", "faint"]
_SGR: dict[Tone, str] = {"plain": "", "good": "32", "warning": "33", "loud": "1;30;43", "error": "1;31", "faint": "2"}
PLAIN_WIDTH = 100
"""Columns of a table where no terminal says its width: fits editors, logs and issue trackers."""


def wants_colour(stream: TextIO) -> bool:
    """Whether a stream is coloured: a terminal that is not `dumb`, unless NO_COLOR or FORCE_COLOR say otherwise."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def console_for(stream: TextIO) -> Console:
    """A Rich console on a stream that follows `wants_colour`; markup and highlighting stay off."""
    from rich.console import Console  # noqa: PLC0415

    coloured = wants_colour(stream)
    return Console(
        file=stream,
        color_system="auto" if coloured else None,
        force_terminal=True if coloured else None,
        width=None if stream.isatty() or os.environ.get("COLUMNS") else PLAIN_WIDTH,
        markup=False,
        highlight=False,
        emoji=False,
    )


class Screen:
    """Both streams of one command.

    Args:
        prints_to_error: what the script prints goes to standard error, because standard output carries data.
    """

    def __init__(self, *, prints_to_error: bool = False) -> None:
        self._prints = sys.stderr if prints_to_error else sys.stdout
        self._harmless = TerminalText() if self._prints.isatty() else None
        self._line_is_open = False
        self._status: Status | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the terminal as it was, however the command ends: no spinner, no colour of the script's."""
        if isinstance(error, OutputFailed | BrokenPipeError):
            self.end_progress()
        else:
            self.script_ended()

    def progress(self, line: str) -> None:
        """Say how building goes on: beside a spinner on a terminal, as lines elsewhere."""
        words = neutralise_line(line)
        if not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
            self.say(words)
        elif self._status is None:
            self._status = console_for(sys.stderr).status(_unmarked(words))
            self._status.start()
        else:
            self._status.update(_unmarked(words))

    def waits_for_typing(self) -> bool:
        """Whether standard input is a terminal, so that reading it means waiting for a person."""
        return sys.stdin is not None and sys.stdin.isatty()

    def shows_unicode(self) -> bool:
        """Whether standard output can carry signs beyond ASCII."""
        return (getattr(sys.stdout, "encoding", None) or "").lower().startswith("utf")

    def width(self) -> int:
        """Columns of standard output."""
        return console_for(sys.stdout).width

    def end_progress(self) -> None:
        """Take the spinner away; without one it does nothing."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def script_printed(self, chunk: bytes) -> None:
        """Show what the script prints: made harmless on a terminal, byte for byte elsewhere.

        Raises:
            BrokenPipeError: the reader of standard output went away.
        """
        self.end_progress()
        if chunk:
            self._line_is_open = not chunk.endswith(b"\n")
        with writing(self._prints):
            if self._harmless is not None:
                self._prints.write(self._harmless.feed(chunk))
            else:
                self._prints.flush()
                self._prints.buffer.write(chunk)

    def script_ended(self) -> None:
        """Finish what the script printed, so that the next words begin on a new line."""
        self.end_progress()
        with writing(self._prints):
            if self._harmless is not None:
                self._prints.write(self._harmless.finish())
                self._harmless = TerminalText()
            if self._line_is_open:
                self._prints.write("\n")
                self._line_is_open = False

    def say(self, line: str, tone: Tone = "plain") -> None:
        """One line of ours on standard error."""
        self.end_progress()
        write_line(sys.stderr, neutralise_line(line), tone)

    def say_lines(self, text: str) -> None:
        """Several lines as they are, such as a script's traceback, on standard error."""
        self.end_progress()
        write_line(sys.stderr, neutralise_lines(text).rstrip("\n"), "plain")

    def show(self, *parts: RenderableType) -> None:
        """Tables and texts of Rich on standard output."""
        self.end_progress()
        console = console_for(sys.stdout)
        with writing(sys.stdout):
            with console.capture() as captured:
                for part in parts:
                    console.print(part)
            sys.stdout.writelines(f"{line.rstrip()}\n" for line in captured.get().splitlines())


@contextmanager
def writing(stream: TextIO) -> Iterator[None]:
    """Write and flush a standard stream.

    Raises:
        BrokenPipeError: its reader went away.
        OutputFailed: the disk behind it is full, or the like.
    """
    try:
        yield
        stream.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(
            f"A standard stream cannot be written: {error.strerror}. Send it to another place.", errno=error.errno
        ) from error


def print_document(document: object) -> None:
    """One JSON object as one line on standard output. Pure ASCII: no terminal or encoding can trip over it."""
    import json  # noqa: PLC0415

    with writing(sys.stdout):
        sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")


def print_text(text: str) -> None:
    """A text of ours that is data, such as a program or a key, on standard output."""
    with writing(sys.stdout):
        sys.stdout.write(text)


def write_line(stream: TextIO, text: str, tone: Tone) -> None:
    """A line on a standard stream, coloured where that is a terminal."""
    with suppress(OSError):  # said again, with an exit code, by the last flush in `main`
        sys.stdout.flush()
    code = _SGR[tone] if wants_colour(stream) else ""
    stream.write(f"\x1b[{code}m{text}\x1b[0m\n" if code else f"{text}\n")
    stream.flush()


def _unmarked(words: str) -> RenderableType:
    from rich.text import Text  # noqa: PLC0415

    return Text(words)
