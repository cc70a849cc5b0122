"""What `azureml_main` takes, found without running the script, also of Python 2 and of newer Pythons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estudio.core.module_kind import Parameter, ParameterType
from estudio.documents.script_signature import MAX_TABLES, UNKNOWN, ScriptSignature, find_signature
from estudio.errors import InvalidScript

if TYPE_CHECKING:
    from estudio.core.module_kind import Value

T = ParameterType
EXAMPLES = Path(__file__).parents[3] / "examples"


def signature(source: str | bytes, *, python2: bool = False) -> ScriptSignature:
    content = source.encode() if isinstance(source, str) else source
    return find_signature(content, "a.py", python2=python2)


def parameter(written: str) -> Parameter:
    (found,) = signature(f"def azureml_main(*, {written}): pass\n").parameters
    return found


def error(source: str, *, python2: bool = False) -> str:
    with pytest.raises(InvalidScript) as raised:
        signature(source, python2=python2)
    return raised.value.message


@pytest.mark.parametrize(
    ("header", "tables", "required", "any_tables"),
    [
        ("def azureml_main():", (), 0, False),
        ("def azureml_main(a, b=None):", ("a", "b"), 1, False),
        ("def azureml_main(a, /, b, c=3, d=None):", ("a", "b", "c", "d"), 2, False),
        ("def azureml_main(*tables):", (), 0, True),
        ("def azureml_main(a: 'pd.DataFrame' = None, *rest, **options) -> None:", ("a",), 0, True),
        ("async def azureml_main(a):", ("a",), 1, False),
    ],
)
def test_tables(header: str, tables: tuple[str, ...], required: int, any_tables: bool) -> None:
    found = signature(f"\n{header}\n    return\n")
    assert found == ScriptSignature(tables, required, any_tables, (), 2)


@pytest.mark.parametrize(
    ("written", "type_", "default", "required"),
    [
        ("n: int = 250", T.INTEGER, 250, False),
        ("n: int", T.INTEGER, None, True),
        ("n: float = 1", T.NUMBER, 1.0, False),
        ("n: float = -0.5", T.NUMBER, -0.5, False),
        ("n: bool = True", T.BOOLEAN, True, False),
        ("n: str = 'a'", T.STRING, "a", False),
        ("n: 'int' = 3", T.INTEGER, 3, False),
        ("n: int | None = None", T.INTEGER, None, False),
        ("n: None | int", T.INTEGER, None, True),
        ("n: t.Optional[float] = 2", T.NUMBER, 2.0, False),
        ("n: Union[str, None] = None", T.STRING, None, False),
        ("n: list[str] = ['a', 'b']", T.COLUMNS, ["a", "b"], False),
        ("n: typing.Sequence[str] = ()", T.COLUMNS, [], False),
        ("n: tuple[str, ...] = ('a',)", T.COLUMNS, ["a"], False),
        ("n: dict[str, str] = {'a': 'b'}", T.MAPPING, {"a": "b"}, False),
        ("n: int = TREES", T.INTEGER, None, False),
        ("n: float = float('inf')", T.NUMBER, None, False),
        ("n=250", T.INTEGER, 250, False),
        ("n=2.5", T.NUMBER, 2.5, False),
        ("n=False", T.BOOLEAN, False, False),
        ("n='a'", T.STRING, "a", False),
        ("n='a\\nb'", T.TEXT, "a\nb", False),
        ("n=['a']", T.COLUMNS, ["a"], False),
        ("n={}", T.MAPPING, {}, False),
    ],
)
def test_parameters(written: str, type_: ParameterType, default: Value, required: bool) -> None:
    found = parameter(written)
    assert found == Parameter("n", type_, default=default, required=required)
    assert type(found.default) is type(default)


def test_literals_are_choices() -> None:
    found = parameter("how: typing.Literal['a', 'b'] = 'b'")
    assert found == Parameter("how", T.CHOICE, default="b", choices=("a", "b"))
    assert parameter("how: Literal['a'] | None = None").choices == ("a",)
    assert parameter("how: Literal['a', None] = None").choices == ("a",)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("n: pd.DataFrame = None", "is annotated with pd.DataFrame; a document can set int, float, bool, str,"),
        ("n: int | str = 1", "is annotated with int | str; "),
        ("n: list[int] = 1", "is annotated with list[int]; "),
        ("n: Literal[1, 2] = 1", "is annotated with Literal[1, 2]; "),
        ("n: list = []", "is annotated with list; "),
        ("n: '(' = 1", "is annotated with '('; "),
        ("n: \"'int'\" = 1", "is annotated with \"'int'\"; "),
        ("n", "has neither an annotation nor a default that tells its type: write e.g. n: int = 250."),
        ("n=None", "has neither an annotation nor a default that tells its type: "),
        ("n=TREES", "has neither an annotation nor a default that tells its type: "),
        ("n=b'a'", "has neither an annotation nor a default that tells its type: "),
        ("n: int = 'a'", "has a default that is 'a', but it takes a whole number: write e.g. 1."),
        ("n: Literal['a'] = 'b'", "has a default that is 'b'; it can be a."),
        ("n=[1]", 'has a default that holds 1, but it takes names: write "1" in quotes.'),
    ],
)
def test_parameters_that_cannot_be(written: str, words: str) -> None:
    message = error(f"\n\ndef azureml_main(a,\n  *, {written}):\n  pass\n")
    assert message.startswith(f"The script a.py, line 4: the parameter n {words}")


def test_words_come_from_docstring_annotation_or_comment() -> None:
    source = '''
def azureml_main(df, *,
                 trees: int = 250,
                 depth: int = 3,  # how deep a tree may be
                 target: Annotated[str, "the column to explain"] = "y",
                 rate: float = 0.1,
                 plain: int = 1):
    """Rank.

    Args:
        trees (int): How many trees.

    :param float rate: How fast.
    """
'''
    assert {found.name: found.words for found in signature(source).parameters} == {
        "trees": "How many trees.",
        "depth": "how deep a tree may be",
        "target": "the column to explain",
        "rate": "How fast.",
        "plain": "",
    }


@pytest.mark.parametrize(
    ("source", "tables"),
    [
        ("def azureml_main(a): pass\ndef azureml_main(b): pass", ("b",)),
        ("def main(a): pass\nazureml_main = main", ("a",)),
        ("azureml_main = lambda a, b=None: a", ("a", "b")),
        ("azureml_main: object = lambda a: a", ("a",)),
        ("if x:\n  def azureml_main(a): pass\nelse:\n  def azureml_main(b): pass", ("b",)),
        ("if True:\n  def azureml_main(a): pass\nelse:\n  def azureml_main(b): pass", ("a",)),
        ("if sys.version_info[0] >= 3:\n  def azureml_main(a): pass\nelse:\n  def azureml_main(b): pass", ("a",)),
        ("if sys.version_info < (3,):\n  def azureml_main(a): pass\nelse:\n  def azureml_main(b): pass", ("b",)),
        ("def azureml_main(a): pass\nif __name__ == '__main__':\n  azureml_main = print", ("a",)),
        ("try:\n  def azureml_main(a): pass\nexcept ImportError:\n  def azureml_main(b): pass", ("a",)),
        ("try:\n  import x\nexcept ImportError:\n  pass\nelse:\n  def azureml_main(b): pass", ("b",)),
        ("with x:\n  def azureml_main(a): pass", ("a",)),
        ("class A:\n  def azureml_main(self): pass\ndef azureml_main(a): pass", ("a",)),
        ("@wrap\ndef azureml_main(a): pass", ("a",)),
    ],
)  # fmt: skip
def test_the_definition_that_counts(source: str, tables: tuple[str, ...]) -> None:
    assert signature(source).tables == tables


@pytest.mark.parametrize(
    "source",
    [
        "from helpers import azureml_main",
        "from helpers import *",
        "from helpers import main as azureml_main",
        "azureml_main = make()",
        "class azureml_main: pass",
        "exec(code)",
        "globals()['azureml' + '_main'] = print",
    ],
)
def test_what_only_running_tells(source: str) -> None:
    found = signature(source)
    assert (found.tables, found.any_tables, found.parameters, found.is_known) == ((), True, (), False)


@pytest.mark.parametrize("source", ["", "def azureml_Main(a): pass", "# def azureml_main(a): pass\n", "x ="])
def test_a_script_without_it(source: str) -> None:
    rule = "write def azureml_main(dataframe1=None, dataframe2=None)."
    assert error(source) == f"The script a.py defines no function azureml_main: {rule}"


def test_too_many_tables() -> None:
    names = ", ".join(f"t{number}" for number in range(MAX_TABLES + 1))
    assert f"line 1: azureml_main takes {MAX_TABLES + 1} tables and 0 parameters; at most" in error(
        f"def azureml_main({names}): pass"
    )


PYTHON2 = """\
# -*- coding: latin-1 -*-
import sys
print "def azureml_main(no):"
'''
def azureml_main(no):
'''
class Other:
    def azureml_main(self, no):
        pass
def azureml_main(first, second=None,  # caf\xe9
                 third=None, trees=0250, big=10L, rate=1.5e-3, name=ur'x', columns=['a', "b)"]):
    print "x", `first`
    exec "pass" in {}
"""


def test_python_2() -> None:
    found = signature(PYTHON2.encode("latin-1"), python2=True)
    assert found == ScriptSignature(
        ("first", "second", "third"),
        1,
        parameters=(
            Parameter("trees", T.INTEGER, default=0o250),
            Parameter("big", T.INTEGER, default=10),
            Parameter("rate", T.NUMBER, default=0.0015),
            Parameter("name", T.STRING, default="x"),
            Parameter("columns", T.COLUMNS, default=["a", "b)"]),
        ),
        line=10,
    )


def test_python_2_that_python_3_can_parse() -> None:
    source = "def azureml_main(a=None, b=None, trees=250): return a"
    assert signature(source, python2=True).parameters == (Parameter("trees", T.INTEGER, default=250),)
    assert signature(source).tables == ("a", "b", "trees")


def test_python_2_refuses_tables_after_parameters() -> None:
    message = error("def azureml_main(a, b, trees=1, c=None): pass", python2=True)
    assert message == (
        "The script a.py, line 1: azureml_main takes the table c after the parameter trees: write tables first."
    )


def test_a_header_that_no_python_reads() -> None:
    message = error("print 'x'\n\ndef azureml_main(a, (b, c)):\n    pass", python2=True)
    assert message == (
        "The script a.py, line 3: the arguments of azureml_main cannot be read; "
        "write e.g. (dataframe1=None, dataframe2=None)."
    )


def test_a_source_of_a_later_python() -> None:
    source = "def azureml_main(a, *,\n    n: int = 3):  # many\n    §\n"
    assert signature(source) == ScriptSignature(("a",), 1, parameters=(Parameter("n", T.INTEGER, "many", 3),), line=1)


def test_errors_below_a_header_alone_name_the_right_line() -> None:
    assert "line 4: the parameter n has" in error("§\n\ndef azureml_main(a, *,\n    n):\n    pass")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfdef azureml_main(a): pass",
        b"x = 1\r\ndef azureml_main(a):\r\n    pass\r\n",
        b"x = 1\rdef azureml_main(a):\r    pass\r",
        b"# coding: latin-1\nx = '\xe9'\ndef azureml_main(a): pass",
        b"# coding: nonsense\ndef azureml_main(a): pass",
        b"# coding: zlib_codec\ndef azureml_main(a): pass",
        b"x = '\xe9'\ndef azureml_main(a): pass",
        b"x = '\\d'\ndef azureml_main(a): pass",
        b"x = '\x00'\ndef azureml_main(a): pass",
        b"x = " + b"(" * 5000 + b")" * 5000 + b"\ndef azureml_main(a): pass",
        b"x = " + b"-" * 50_000 + b"1\ndef azureml_main(a): pass",
        b"#" * 1_100_000 + b"\ndef azureml_main(a): pass",
    ],
    ids=range(12),
)
def test_any_file(content: bytes) -> None:
    assert signature(content).tables == ("a",)


def test_the_examples() -> None:
    scripts = [path for path in EXAMPLES.rglob("*.py") if b"def azureml_main" in path.read_bytes()]
    assert len(scripts) >= 3
    for script in scripts:
        assert find_signature(script.read_bytes(), script.name).is_known


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_give_a_signature_or_an_error(content: bytes) -> None:
    try:
        found: ScriptSignature | None = find_signature(b"def azureml_main(a, " + content, "a.py")
    except InvalidScript:
        found = None
    assert found is None or found == UNKNOWN or found.tables[:1] == ("a",)
