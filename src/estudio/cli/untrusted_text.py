"""Text that a script chose, made harmless for a terminal: it may be coloured, it may not drive the screen.

A terminal obeys more than letters: escape sequences move the cursor, retitle the window, write the clipboard, even
answer as if typed. What stays: printable text, line ends, tabs, carriage returns and backspaces (progress bars), and
colours (`ESC [ … m`). Every other control character is shown in caret notation, as `cat -v` does.
"""

from __future__ import annotations

import codecs
import re

_COLOUR = re.compile(r"\x1b\[[0-9;:]{0,40}m")
_COLOUR_BEGINNING = re.compile(r"\x1b(?:\[[0-9;:]{0,40})?\Z")
_UNSAFE = re.compile(r"\x1b\[[0-9;:]{0,40}m|[\x00-\x07\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
RESET = "\x1b[0m"


def neutralise_line(text: str) -> str:
    """Text for one line of ours: no colours and no control characters at all, neither tab nor line end."""
    return _CONTROL.sub(lambda match: _caret(match[0]), text)


def neutralise_lines(text: str) -> str:
    """Text of several lines, such as a traceback: line ends and tabs stay, the rest is as in `neutralise_line`."""
    return _CONTROL.sub(lambda match: match[0] if match[0] in "\n\t" else _caret(match[0]), text.replace("\r\n", "\n"))


class TerminalText:
    """What a script prints, chunk by chunk, as text that a terminal may be given."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._coloured = False

    def feed(self, chunk: bytes) -> str:
        """The next piece; the beginning of a character or of a colour at its end waits for the rest."""
        text = self._held + self._decoder.decode(chunk)
        beginning = _COLOUR_BEGINNING.search(text)
        self._held = "" if beginning is None else text[beginning.start() :]
        return self._harmless(text[: len(text) - len(self._held)])

    def finish(self) -> str:
        """What was still held back, and the end of any colour."""
        rest = self._harmless(self._held + self._decoder.decode(b"", final=True))
        self._held = ""
        return rest + RESET if self._coloured else rest

    def _harmless(self, text: str) -> str:
        return _UNSAFE.sub(self._replacement, text)

    def _replacement(self, match: re.Match[str]) -> str:
        if _COLOUR.fullmatch(match[0]):
            self._coloured = True
            return match[0]
        return _caret(match[0])


def _caret(control: str) -> str:
    """One control character as `cat -v` shows it: `^[` for escape, `M-^[` for its eight-bit twin."""
    code = ord(control)
    return f"^{chr(code ^ 64)}" if code < 128 else f"M-^{chr((code - 128) ^ 64)}"
