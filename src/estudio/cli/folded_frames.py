"""A script's traceback for people: chains of library frames become one line each, the author's frames all stay.

Only what is printed is folded: what a run keeps, and all JSON, has every frame.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from estudio.core.counted_words import counted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

SHOW_ALL = "ESTUDIO_DEBUG"
"""Set it to 1 to see all frames. The same variable shows the traceback of a failure in estudio itself."""
MIN_FOLDED = 2
"""One library frame says at once which function was called wrongly."""
MAX_NAMED_PACKAGES = 3
STANDARD_LIBRARY = "Python's library"
_HEAD = "Traceback (most recent call last):"
_FRAME = re.compile(r'  File "([^"\n]+)", line \d+, in ')
_REPEATED = re.compile(r"  \[Previous line repeated \d+ more times?\]")
_LIBRARY = re.compile(r"(?:site-packages/([^/]+)|python\d[\d.]*/|<frozen )")
_COMPILED = re.compile(r"([^/]+)/.*\.(?:pyx|pxi|pxd)")


def printed_traceback(traceback: str, *, unicode: bool = True) -> str:
    """The traceback as it is to be printed: folded, unless the variable `ESTUDIO_DEBUG` is 1."""
    return traceback if os.environ.get(SHOW_ALL) == "1" else fold_library_frames(traceback, unicode=unicode)


def fold_library_frames(traceback: str, *, unicode: bool = True) -> str:
    """The text with `… 9 frames of pandas` in place of each chain of library frames; the first says how to see them."""
    lines: list[str] = []
    folded = 0
    for is_library, frames in _chains(traceback.split("\n")):
        if is_library and len(frames) >= MIN_FOLDED:
            hint = "" if folded else f" ({SHOW_ALL}=1 shows all)"
            lines.append(f"    {'…' if unicode else '...'} {_words(frames)}{hint}")
            folded += 1
        else:
            lines += [line for frame in frames for line in frame]
    return "\n".join(lines)


def _chains(lines: Iterable[str]) -> Iterator[tuple[bool, list[list[str]]]]:
    """Frames that follow each other and are all of libraries, or all not; what is no frame counts as the author's."""
    chain: list[list[str]] = []
    of_library = False
    for is_frame, frame in _frames(lines):
        is_library = is_frame and _package(frame[0], after_library=of_library) is not None
        if chain and is_library != of_library:
            yield of_library, chain
            chain = []
        chain.append(frame)
        of_library = is_library
    yield of_library, chain


def _frames(lines: Iterable[str]) -> Iterator[tuple[bool, list[str]]]:
    """The lines of each frame together; any other line, such as the exception's message, alone and said to be none.

    A frame is one below a traceback's head only: a message may look like frames, too.
    """
    frame: list[str] = []
    inside = False
    for line in lines:
        if frame and (line.startswith("    ") or _REPEATED.fullmatch(line)):
            frame.append(line)
            continue
        if frame:
            yield True, frame
        frame = [line] if inside and _FRAME.match(line) else []
        inside = bool(frame) or line == _HEAD
        if not frame:
            yield False, [line]
    if frame:
        yield True, frame


def _package(line: str, *, after_library: bool) -> str | None:
    """The library of a frame's first line; None for the author's. Compiled frames belong to who calls them."""
    frame = _FRAME.match(line)
    if frame is None:
        return None
    library = _LIBRARY.match(frame[1])
    if library is not None:
        return library[1].removesuffix(".py") if library[1] else STANDARD_LIBRARY
    compiled = _COMPILED.fullmatch(frame[1])
    return compiled[1] if compiled is not None and after_library else None


def _words(frames: Sequence[Sequence[str]]) -> str:
    """`9 frames of pandas and numpy`."""
    packages = list(dict.fromkeys(_package(frame[0], after_library=True) or "" for frame in frames))
    named = packages[:MAX_NAMED_PACKAGES]
    if len(packages) > MAX_NAMED_PACKAGES:
        named.append("others")
    return f"{counted(len(frames), 'frame')} of {', '.join(named[:-1])}{' and ' if len(named) > 1 else ''}{named[-1]}"
