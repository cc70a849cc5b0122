"""What may be given to a script by name, and how many tables."""

from __future__ import annotations

from typing import Any

import pytest

from estudio.core.calling import MAX_TABLES
from estudio.errors import InvalidUsage
from estudio.modules.call_message import ScriptCall
from estudio.modules.inputs import ScriptSource

SOURCE = ScriptSource("s.py", b"def azureml_main(): pass")


@pytest.mark.parametrize("value", [1, -(2**63) + 1, 0.5, float("inf"), True, "ñ", "", [], ["a"], {}, {"a": "b"}])
def test_what_can_be_passed(value: Any) -> None:
    assert ScriptCall(SOURCE, parameters={"p": value}).parameters == {"p": value}


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"p": None}, "The parameter p has a value of the type NoneType; give a number, true or false"),
        ({"p": b"x"}, "of the type bytes"),
        ({"p": [1]}, "of the type list"),
        ({"p": {"a": 1}}, "of the type dict"),
        ({"p": 2**63}, "The parameter p is a whole number beyond 64 bits; pass it as text."),
        ({"p": "\ud800"}, "The parameter 'p' has text that is not Unicode."),
        ({"": 1}, "The name of a parameter is ''"),
        ({5: 1}, "The name of a parameter is 5"),
        (dict.fromkeys(map(str, range(1001)), 1), "1001 parameters are given; a script takes at most 1000."),
        ({"p": "x" * 2**20}, "The parameters have 1048577 characters, the limit is 1048576. Pass data as a table."),
    ],
)
def test_what_cannot_be_passed(parameters: Any, words: str) -> None:
    with pytest.raises(InvalidUsage) as caught:
        ScriptCall(SOURCE, parameters=parameters)
    assert words in caught.value.message


def test_too_many_tables() -> None:
    ScriptCall(SOURCE, (None,) * MAX_TABLES)
    with pytest.raises(InvalidUsage, match="13 tables are given; a script takes at most 12"):
        ScriptCall(SOURCE, (None,) * (MAX_TABLES + 1))
