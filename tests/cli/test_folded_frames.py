"""Library frames of a script's traceback are one line on screen; the author's frames and all messages stay."""

from __future__ import annotations

import pytest

from estudio.cli.folded_frames import fold_library_frames, printed_traceback
from estudio.cli.module_lines import failure_lines
from estudio.core.run import ModuleRun, ModuleState

from .golden_files import same_as_golden

CHAINED = """Traceback (most recent call last):
  File "site-packages/pandas/core/indexes/base.py", line 3816, in get_loc
    return self._engine.get_loc(casted_key)
           ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  File "pandas/_libs/index.pyx", line 172, in pandas._libs.index.IndexEngine.get_loc
  File "pandas/_libs/index.pyx", line 201, in pandas._libs.index.IndexEngine.get_loc
KeyError: 'poeple'

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "double.py", line 9, in azureml_main
    return towns.apply(worse, axis=1)
           ~~~~~~~~~~~^^^^^^^^^^^^^^^
  File "site-packages/pandas/core/frame.py", line 4330, in apply
    return op.apply().__finalize__(self, method="apply")
           ^^^^^^^^^^
  File "site-packages/numpy/lib/shape.py", line 88, in along
    deeper(1)
  [Previous line repeated 3 more times]
  File "python3.13/functools.py", line 912, in wrapper
    return dispatch(args[0].__class__)(*args, **kw)
  File "site-packages/six.py", line 7, in reraise
    raise value
  File "double.py", line 4, in worse
    return row["poeple"] + helper.more()
  File "helper.py", line 1, in more
    import json; json.loads("")
  File "python3.13/json/__init__.py", line 346, in loads
    return _default_decoder.decode(s)
ValueError: nothing there
  File "site-packages/not/a/frame.py", line 1, in message
  File "site-packages/not/a/frame.py", line 2, in message
"""
PLAIN = """Traceback (most recent call last):
  File "double.py", line 3
    return ]
           ^
SyntaxError: invalid syntax
"""


def failed() -> ModuleRun:
    error = {"message": "The script raised ValueError.", "traceback": CHAINED}
    return ModuleRun("rank", "execute-python-script", ModuleState.FAILED, error=error)


def test_chains_of_library_frames_are_one_line_each() -> None:
    same_as_golden("folded-frames.txt", (fold_library_frames(CHAINED), fold_library_frames(CHAINED, unicode=False)))


@pytest.mark.parametrize("text", ["", "one line", PLAIN, CHAINED[CHAINED.index("ValueError") :]])
def test_what_has_no_chain_stays_as_it_is(text: str) -> None:
    assert fold_library_frames(text) == text


def test_nothing_is_folded_where_all_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ESTUDIO_DEBUG", raising=False)
    assert printed_traceback(CHAINED) == fold_library_frames(CHAINED) != CHAINED
    folded = failure_lines(failed())
    monkeypatch.setenv("ESTUDIO_DEBUG", "1")
    assert printed_traceback(CHAINED) == CHAINED
    whole = failure_lines(failed())
    assert whole == CHAINED + "The script raised ValueError."
    assert folded == fold_library_frames(CHAINED) + "The script raised ValueError."
