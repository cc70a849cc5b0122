"""The old system's error texts, compared whole."""

from __future__ import annotations

import pytest

from estudio.core.classic_errors import classic_text

START = (
    "Error 0085: The following error occurred during script evaluation, please view the output log for more "
    "information:\r\n"
    "---------- Start of error message from Python interpreter ----------\r\n"
)
END = "\r\n\r\n\r\n---------- End of error message from Python  interpreter  ----------"
FRAME = '  File "\\server\\InvokePy.py", line 120, in executeScript\r\n    outframe = mod.azureml_main(*inframes)\r\n'


def test_0085_is_exact() -> None:
    traceback = (
        "Traceback (most recent call last):\n"
        '  File "author.py", line 2, in azureml_main\n'
        '    raise ValueError("é")\n'
        "ValueError: é\n"
    )
    assert classic_text("script-raised", traceback, "unused") == (
        START
        + "Caught exception while executing function: Traceback (most recent call last):\r\n"
        + FRAME
        + '  File "author.py", line 2, in azureml_main\r\n    raise ValueError("é")\r\nValueError: é'
        + END
    )


def test_a_chain_gets_the_frame_where_the_exception_left_the_script() -> None:
    header = "Traceback (most recent call last):\n"
    traceback = f"{header}KeyError: 1\n\nDuring handling of the above exception, …\n\n{header}ValueError: x\n"
    text = classic_text("script-raised", traceback, "")
    assert text.count("InvokePy.py") == 1
    assert text.index("KeyError") < text.index("InvokePy.py") < text.index("ValueError")


@pytest.mark.parametrize("code", ["syntax-error", "wrong-result", "no-entry-point", "script-exited"])
def test_without_a_traceback_the_message_stands_in(code: str) -> None:
    assert classic_text(code, "", "No function.") == (
        START
        + "Caught exception while executing function: Traceback (most recent call last):\r\n"
        + FRAME
        + "No function."
        + END
    )


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (
            "bad-bundle",
            "Error 0102: Thrown when a ZIP file could not be extracted: Given ZIP file is not in the correct format.",
        ),
        ("out-of-memory", "Error 0138: Memory has been exhausted, unable to complete running of module."),
        ("process-died", "Error 1000: Library exception: It died.\r\nBadly."),
        ("timed-out", "Error 1000: Library exception: It died.\r\nBadly."),
    ],
)
def test_the_other_errors(code: str, text: str) -> None:
    assert classic_text(code, "Traceback …", "It died.\nBadly.") == text


def test_lines_end_in_cr_lf_once() -> None:
    text = classic_text("script-raised", "Traceback (most recent call last):\r\nValueError: a\r\nb\n", "")
    assert "\r\r" not in text
    assert "\n" not in text.replace("\r\n", "")
