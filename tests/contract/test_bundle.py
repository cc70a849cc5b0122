"""The script bundle: imports, files, Windows paths, and hostile zips."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from .calls import run, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

ONE = pa.table({"one": [1]})
HELLO = {
    "Hello.py": "def print_hello(name):\n    print('hello ' + name)\n",
    "package/__init__.py": "from .inner import VALUE\n",
    "package/inner.py": "VALUE = 42\n",
    "sub/data.csv": "a,b\n1,2\n",
    "sub/alone.py": "X = 1\n",
}


def test_modules_packages_and_files(any_python: str) -> None:
    script = """
        import os, sys
        import pandas as pd
        import Hello
        from package import VALUE
        def azureml_main():
            Hello.print_hello("world")
            assert sys.path[0] == ".\\\\Script Bundle", sys.path
            assert ".\\\\Script Bundle" in sys.path
            assert os.path.exists("Script Bundle") and os.path.isdir(".\\\\Script Bundle\\\\sub")
            assert os.path.isfile("Script Bundle\\\\sub\\\\data.csv")
            assert sorted(os.listdir(".\\\\Script Bundle\\\\sub")) == ["alone.py", "data.csv"]
            assert open('.\\\\Script Bundle\\\\sub\\\\data.csv').read() == open('./Script Bundle/sub/data.csv').read()
            sys.path.append(".\\\\Script Bundle\\\\sub")
            import alone
            return pd.read_csv("Script Bundle\\\\sub\\\\data.csv")
    """
    result = run(script, bundle=HELLO, python=any_python)
    assert result.table.to_pydict() == {"a": [1], "b": [2]}
    assert "hello world" in result.log
    assert not [name for name in result.files if "\\" in name or "__pycache__" in name]


def test_writing_with_backslashes_makes_no_odd_names(any_python: str) -> None:
    script = """
        import io, os
        os.mkdir(".\\\\out")
        with open("out\\\\a.txt", "w") as stream:
            stream.write("x")
        with io.open(".\\\\b.txt", "w") as stream:
            stream.write(u"y")
        os.rename("out\\\\a.txt", "out\\\\c.txt")
        try:
            open("missing\\\\x.txt")
        except (IOError, OSError) as error:
            assert error.filename == "missing\\\\x.txt", error.filename
        def azureml_main(df):
            df["n"] = len(open(os.getcwd() + "\\\\out\\\\c.txt").read()) + os.path.getsize("out\\\\c.txt")
            return df
    """
    result = run(script, ONE, python=any_python)
    assert result.column("n") == [2]
    assert {"out/c.txt", "b.txt"} <= set(result.files)
    assert not [name for name in result.files if "\\" in name]


def test_a_name_with_a_backslash_that_exists_is_taken_literally() -> None:
    script = """
        import os
        fd = os.open.estudio_original("a\\\\b", os.O_CREAT | os.O_WRONLY)
        os.write(fd, b"literal")
        def azureml_main(df):
            df["t"] = open("a\\\\b").read()
            return df
    """
    assert run(script, ONE).column("t") == ["literal"]


def test_file_on_python_2(old_python: str) -> None:
    script = """
        def azureml_main(df):
            stream = file('Script Bundle\\\\sub\\\\data.csv', 'rU')
            assert isinstance(stream, file) and isinstance(open('azuremod.py'), file)
            df["n"] = len(stream.readlines())
            return df
    """
    assert run(script, ONE, bundle=HELLO, python=old_python).column("n") == [2]


def test_a_bundle_module_hides_others_and_the_log_says_so(any_python: str) -> None:
    bundle = {"colorsys.py": "X = 'bundle'\n", "json/__init__.py": "X = 'bundle'\n", "own.py": "", "pandas.py": "1/0\n"}
    script = """
        import colorsys, json, pandas
        def azureml_main(df):
            print(colorsys.X, json.X)
            return pandas.DataFrame(df)
    """
    result = run(script, ONE, bundle=bundle, python=any_python)
    assert result.table.to_pydict() == {"one": [1]}
    assert result.log.count("bundle") >= 4
    assert "estudio: the script bundle's module colorsys hides the installed module of that name" in result.log
    assert "estudio: the script bundle's module json hides the installed module of that name" in result.log
    assert "estudio: the script bundle's module pandas is not used" in result.log
    assert "module own" not in result.log


def test_names_from_windows_and_beyond_ascii(any_python: str) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a\\b.txt", "windows")
        archive.writestr("größe.txt", "flagged")
    content = target.getvalue().replace(b"a/b.txt", b"a\\b.txt")
    raw = zipped({"XXXX.txt": "raw"}).replace(b"XXXX", "éé".encode())  # UTF-8 bytes without the flag
    old = zipped({"XX.txt": "old"}).replace(b"XX", b"\x82\x82")  # cp437
    assert "Script Bundle/a/b.txt" in run("azureml_main = lambda: None", bundle=content, python=any_python).files
    assert "Script Bundle/größe.txt" in run("azureml_main = lambda: None", bundle=content, python=any_python).files
    assert "Script Bundle/éé.txt" in run("azureml_main = lambda: None", bundle=raw, python=any_python).files
    assert "Script Bundle/éé.txt" in run("azureml_main = lambda: None", bundle=old, python=any_python).files


def entry(name: str, content: bytes = b"x", mode: int = 0o644) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return target.getvalue()


def flagged(content: bytes, flag: int) -> bytes:
    data = bytearray(content)
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(signature)
        data[at + place] |= flag
    return bytes(data)


def lying(size: int) -> bytes:
    data = bytearray(zipped({"a.txt": b"A" * 5000}))
    for signature, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = data.index(signature)
        struct.pack_into("<I", data, at + place, size)
    return bytes(data)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: b"this is no zip", "no zip"),
        (lambda: b"", "no zip"),
        (lambda: zipped(HELLO)[:-30], "no zip"),
        (lambda: entry("../up.txt"), "leaves"),
        (lambda: entry("a/../../up.txt"), "leaves"),
        (lambda: entry("..\\up.txt"), "leaves"),
        (lambda: entry("/etc/x"), "absolute"),
        (lambda: entry("C:\\x"), "absolute"),
        (lambda: entry("link", b"/etc/passwd", 0o120777), "symbolic link"),
        (lambda: entry("pipe", b"", 0o010644), "neither"),
        (lambda: entry("/".join("a" * 40)), "deep"),
        (lambda: entry("n" * 300), "long"),
        (lambda: flagged(entry("secret"), 1), "encrypted"),
        (lambda: zipped({f"{n}": "" for n in range(20_001)}), "20001 entries"),
        (lambda: lying(3_000_000_000), "3000000000 bytes"),
        (lambda: lying(9000), ""),
        (lambda: lying(10), ""),
        (lambda: entry("a", b"hello").replace(b"hello", b"jello"), "CRC"),
    ],
)
def test_hostile_zips_are_refused(make: Callable[[], bytes], words: str) -> None:
    result = run("print('ran')\nazureml_main = lambda: None", bundle=make())
    assert result.report["state"] == "bad-bundle", result.report
    assert result.error["code"] == "bad-bundle"
    assert words in result.error["message"]
    assert "ran" not in result.log
    assert all(name.startswith(("Script Bundle", "azuremod.py")) for name in result.files)


@pytest.mark.parametrize("make", [lambda: b"no zip", lambda: entry("../up"), lambda: lying(10)])
def test_hostile_zips_on_every_python(make: Callable[[], bytes], any_python: str) -> None:
    assert run("azureml_main = lambda: None", bundle=make(), python=any_python).report["state"] == "bad-bundle"
