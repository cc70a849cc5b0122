r"""The old system's error texts, for clients that parse them.

Error 0085 is exact to the blank: two blanks before the second "interpreter", CR LF between lines, and a frame of the
old server (`\server\InvokePy.py`) above the author's. Its shape was seen in public outputs of real services.
"""

from __future__ import annotations

_SCRIPT_CODES = frozenset({
    "script-raised", "syntax-error", "wrong-result", "wrong-parameter", "no-entry-point", "script-exited",
})  # fmt: skip
_BUNDLE_CODES = frozenset({"bad-bundle"})
_MEMORY_CODES = frozenset({"out-of-memory"})

_HEADER = "Traceback (most recent call last):"
_SERVER_FRAME = '  File "\\server\\InvokePy.py", line 120, in executeScript\n    outframe = mod.azureml_main(*inframes)'


def classic_text(code: str, traceback: str, message: str) -> str:
    r"""Return what the old system would have shown.

    Args:
        code: of `ScriptError`, or `bad-bundle`.
        traceback: the author's frames and the exception, or "".
        message: the error in words, used where there is no traceback.

    Returns:
        Error 0085 for what the script did, 0102 for the bundle, 0138 for memory, 1000 for the rest; lines joined by
        CR LF.
    """
    if code in _SCRIPT_CODES:
        text = _error_0085(traceback, message)
    elif code in _BUNDLE_CODES:
        text = "Error 0102: Thrown when a ZIP file could not be extracted: Given ZIP file is not in the correct format."
    elif code in _MEMORY_CODES:
        text = "Error 0138: Memory has been exhausted, unable to complete running of module."
    else:
        text = f"Error 1000: Library exception: {message}"
    return "\r\n".join(text.replace("\r\n", "\n").split("\n"))


def _error_0085(traceback: str, message: str) -> str:
    inner = _with_server_frame(traceback.replace("\r\n", "\n").rstrip("\n") or message)
    return (
        "Error 0085: The following error occurred during script evaluation, please view the output log for more "
        "information:\n"
        "---------- Start of error message from Python interpreter ----------\n"
        f"Caught exception while executing function: {inner}\n"
        "\n"
        "\n"
        "---------- End of error message from Python  interpreter  ----------"
    )


def _with_server_frame(inner: str) -> str:
    """Put the old server's frame under the last header: that of the exception which left the script."""
    lines = inner.split("\n")
    places = [number for number, line in enumerate(lines) if line == _HEADER]
    if not places:
        return f"{_HEADER}\n{_SERVER_FRAME}\n{inner}"
    place = places[-1] + 1
    return "\n".join([*lines[:place], _SERVER_FRAME, *lines[place:]])
