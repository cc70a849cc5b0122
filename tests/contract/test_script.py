"""The author's script: how it is loaded, and every way in which it can fail."""

from __future__ import annotations

import pyarrow as pa
import pytest

from .calls import run

ONE = pa.table({"one": [1]})
IDENTITY = "def azureml_main(df=None):\n    return df\n"


def test_the_script_is_a_module_in_the_working_directory(any_python: str) -> None:
    script = """
        import os, sys
        assert __name__ == "azuremod" and __file__ == "azuremod.py" and sys.argv == ["azuremod.py"]
        assert os.path.isfile("azuremod.py") and "azuremod" in sys.modules
        azureml_main = lambda: None
    """
    assert run(script, python=any_python).table.num_rows == 0


def test_top_level_and_function_share_the_working_directory(any_python: str) -> None:
    script = """
        open("top.txt", "w").write("x")
        def azureml_main(df):
            df["size"] = len(open("top.txt").read())
            return df
    """
    assert run(script, ONE, python=any_python).column("size") == [1]


@pytest.mark.parametrize(
    "script",
    [
        b"\xef\xbb\xbf# BOM\r\nname = '\xc3\xa9'\r\ndef azureml_main(df):\r\n    df['n'] = name\r\n    return df\r\n",
        b"# -*- coding: latin-1 -*-\nname = u'\xe9'\ndef azureml_main(df):\n    df['n'] = name\n    return df\n",
        b"name = '\xc3\xa9'\ndef azureml_main(df):\n    df['n'] = name\n    return df",
        b"name = '\xc3\xa9'\ndef azureml_main(df):\n\xc2\xa0\xc2\xa0df['n'] = name\n\xc2\xa0\xc2\xa0return df",
    ],
)
def test_encodings_and_line_ends(script: bytes, any_python: str) -> None:
    assert run(script, ONE, python=any_python).column("n") == ["é"]


@pytest.mark.parametrize(
    ("script", "line"),
    [
        (b"x = 1\ndef f(:\n", 2),
        (b"def azureml_main(df):\nreturn df\n", 2),
        (b"x = '\0'\n", None),
        (b"(" * 100_000, None),
        (b"[" * 200 + b"]" * 200 + b"\n", None),
        (b"# -*- coding: nonsense -*-\n", None),
        (b"x = '\xff'\n", None),
        (b"if True:\n\tx = 1\n        y = 2\n", None),
    ],
)
def test_syntax_errors_come_before_anything_runs(script: bytes, line: int | None, any_python: str) -> None:
    result = run(b"import os; os.write(1, b'ran')\n" + script, ONE, python=any_python)
    if result.error["code"] != "syntax-error":  # 2.7 reads bytes that are no UTF-8; only the entry point is missing
        assert script.startswith((b"x = '\xff'", b"# -*-", b"[[", b"((", b"if True"))
        return
    assert "ran" not in result.log
    assert line is None or result.error["line"] == line + 1
    assert "cannot be compiled" in result.error["message"]


def test_print_as_a_statement_points_at_its_line() -> None:
    error = run("def azureml_main(df):\n    print 'x'\n", ONE).error
    assert error["code"] == "syntax-error"
    assert error["line"] == 2
    assert 'File "author.py", line 2' in error["traceback"]
    assert "print 'x'" in error["traceback"]


def test_a_traceback_shows_the_author_only(any_python: str) -> None:
    script = (
        "# -*- coding: utf-8 -*-\ndef inner():\n    raise ValueError(u'schön')  # é\n"
        "def azureml_main(df):\n    inner()\n"
    )
    error = run(script, ONE, python=any_python).error
    assert error["code"] == "script-raised"
    assert error["line"] == 3
    assert error["type"] == "ValueError"
    assert error["message"] == "The script raised ValueError: schön"
    assert error["traceback"].startswith(
        'Traceback (most recent call last):\n  File "author.py", line 5, in azureml_main\n'
    )
    assert "    raise ValueError(u'schön')  # é\n" in error["traceback"]
    assert "runner" not in error["traceback"]
    assert error["traceback"].endswith("ValueError: schön\n")


def test_the_line_is_that_of_the_script_when_a_library_raises() -> None:
    error = run("import json\ndef azureml_main(df):\n    x = 1\n    return json.loads('{')\n", ONE).error
    assert error["line"] == 4
    assert "json" in error["traceback"]


def test_frames_of_libraries_do_not_tell_where_the_environment_lies(any_python: str) -> None:
    script = """
        import json
        def azureml_main(df):
            try:
                json.loads("{")
            except ValueError:
                df["missing"].sum()
    """
    shown = run(script, ONE, python=any_python).error["traceback"]
    assert '  File "site-packages/pandas/core/' in shown
    assert [line for line in shown.splitlines() if line.startswith('  File "/')] == []


def test_chains_are_kept() -> None:
    script = """
        def azureml_main(df):
            try:
                {}["key"]
            except KeyError as error:
                raise ValueError("second") from error
    """
    traceback = run(script, ONE).error["traceback"]
    assert traceback.index("KeyError: 'key'") < traceback.index("direct cause") < traceback.index("ValueError: second")
    assert "guest" not in traceback


@pytest.mark.parametrize(
    ("body", "ends", "words"),
    [
        ("import sys; sys.exit(3)", ("failed", "script-exited"), "SystemExit: 3"),
        ("import sys; sys.exit()", ("failed", "script-exited"), "SystemExit"),
        ("raise KeyboardInterrupt", ("failed", "script-raised"), "KeyboardInterrupt"),
        ("raise MemoryError", ("out-of-memory", "out-of-memory"), "memory"),
        ("raise type(str('Mine'), (BaseException,), {})(u'x')", ("failed", "script-raised"), "Mine: x"),
        ("raise type(str('Mine'), (MemoryError,), {})", ("out-of-memory", "out-of-memory"), "memory"),
        ("f = lambda: f(); f()", ("failed", "script-raised"), "recursion"),
        ("raise type(str('E'), (Exception,), {'__str__': lambda self: 1 / 0})()", ("failed", "script-raised"), "E"),
        ("raise type(str('E'), (Exception,), {'__str__': lambda self: exit(1)})()", ("failed", "script-raised"), "E"),
        (
            "raise type(str('E'), (Exception,), {'__str__': lambda self: str('x') * 10**7})()",
            ("failed", "script-raised"),
            "x",
        ),
    ],
)
@pytest.mark.parametrize("place", ["top", "function"])
def test_every_end_is_told(body: str, ends: tuple[str, str], words: str, place: str, any_python: str) -> None:
    body = body.replace("f = lambda: f(); f()", "f = lambda g: g(g); f(f)").replace(
        "exit(1)", "__import__('sys').exit(1)"
    )
    script = body if place == "top" else f"def azureml_main(df):\n    {body}\n"
    result = run(script, ONE, python=any_python)
    assert (result.report["state"], result.error["code"]) == ends
    assert words in result.error["message"]
    assert len(result.error["traceback"]) <= 64 * 1024 + 100
    assert len(result.error["message"]) <= 2100


def test_old_style_exceptions_on_python_2(old_python: str) -> None:
    error = run("class Old: pass\ndef azureml_main(df):\n    raise Old()\n", ONE, python=old_python).error
    assert error["code"] == "script-raised"
    assert error["line"] == 3


def test_deep_recursion_is_cut_in_the_middle(any_python: str) -> None:
    script = "import sys\nsys.setrecursionlimit(3000)\n" + "".join(
        f"def f{n}(x):\n    return f{(n + 1) % 50}(x)  # {'x' * 60}\n" for n in range(50)
    )
    error = run(script + "def azureml_main(df):\n    f0(df)\n", ONE, python=any_python).error
    assert "characters left out" in error["traceback"]
    assert len(error["traceback"]) <= 64 * 1024 + 100


def test_streams_stay_in_order(any_python: str) -> None:
    script = """
        import os, sys
        def azureml_main():
            sys.stdout.write("1 ")
            sys.stderr.write("2 ")
            sys.stdout.write(u"\\xe9 \\ud800 ")
            os.write(1, b"3 ")
            sys.stderr.write("4 ")
            sys.stdout.write("5")
            os._exit(7)
    """
    result = run(script, python=any_python)
    assert result.log.startswith("1 2 é ")
    assert result.log.endswith("3 4 5")
    assert result.status == 7 << 8


def test_replaced_streams_do_not_hide_notes() -> None:
    result = run("import sys, io\nsys.stdout = sys.stderr = io.StringIO()\ndef azureml_main():\n    print('gone')\n")
    assert result.log == "estudio: azureml_main returned no table; the result is empty\n"


def test_a_seed_makes_every_run_alike_and_without_one_none_is(any_python: str) -> None:
    script = """
        import random
        import numpy as np, pandas as pd
        def azureml_main():
            return pd.DataFrame({"r": [random.random()], "n": [np.random.rand()]})
    """
    seeded = [run(script, seed=2**40 + 1, python=any_python).table.to_pydict() for _ in range(2)]
    assert seeded[0] == seeded[1]
    free = [run(script, python=any_python).table.to_pydict() for _ in range(2)]
    assert free[0]["r"] != free[1]["r"]
    assert free[0]["n"] != free[1]["n"]


def test_timings_are_told() -> None:
    timings = run("import time\ntime.sleep(0.05)\n" + IDENTITY, ONE).report["timings"]
    assert set(timings) == {"hand_over", "script", "result"}
    assert timings["script"] >= 0.05
    assert timings["hand_over"] > 0
    assert timings["result"] > 0


def test_hostile_results_are_the_authors_error() -> None:
    script = """
        import pandas as pd
        class Frame(pd.DataFrame):
            @property
            def columns(self):
                raise RuntimeError("no columns")
        def azureml_main(df):
            frame = Frame()
            return frame
    """
    error = run(script, ONE).error
    assert error["code"] in {"wrong-result", "script-raised"}
    assert "no columns" in error["message"]


def test_pickled_functions_and_classes_are_found_again() -> None:
    script = """
        import pickle
        class Model(object):
            pass
        def azureml_main(df):
            df["m"] = [pickle.dumps(Model())]
            assert isinstance(pickle.loads(df["m"][0]), Model)
            return df
    """
    assert run(script, ONE).types()["m"] == "large_binary"
