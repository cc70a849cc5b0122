"""The files that pages take for granted when they say `data.csv` or `my_script.py`: all small."""

from __future__ import annotations

_TABLE = "name,value\none,1\ntwo,2\nthree,\n"
_SCRIPT = """def azureml_main(table):
    print(f"{len(table)} rows")
    return table.dropna()
"""
FILES = {
    "data.csv": _TABLE,
    "january.csv": _TABLE,
    "february.csv": _TABLE,
    "names.csv": "name\nAnna Meyer\nJose Perez\n",
    "script.py": _SCRIPT,
    "clean.py": _SCRIPT,
    "my_script.py": """import own_words


def azureml_main(table):
    return table.assign(greeting=own_words.greeting)
""",
    "my_modules/own_words.py": 'greeting = "hello"\n',
    "match.py": """from rapidfuzz import process


def azureml_main(names):
    print(process.extractOne("Ana Meier", names["name"])[0])
    return names
""",
}
