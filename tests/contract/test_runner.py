"""The three entry points: what warming leaves behind, and what a fresh guest is like."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from .calls import GUEST_FOLDER, run

if TYPE_CHECKING:
    from pathlib import Path

WARM = """
import gc, os, random, sys, threading, types, warnings
package = types.ModuleType(str("_contract")); package.__path__ = [{folder!r}]; sys.modules[str("_contract")] = package
import importlib
import numpy, pandas
runner = importlib.import_module("_contract.runner")
import linecache
def state():
    return [
        sorted(os.listdir("/proc/self/fd")), list(sys.path), len(sys.path_hooks), list(warnings.filters),
        sorted(linecache.cache), os.listdir("."), threading.active_count(), random.getstate() == before,
    ]
before = random.getstate()
first = state()
runner.warm_up()
second = state()
assert first == second, [pair for pair in zip(first, second) if pair[0] != pair[1]]
print("clean")
"""


def test_warming_leaves_nothing(any_python: str, tmp_path: Path) -> None:
    script = WARM.format(folder=str(GUEST_FOLDER))
    done = subprocess.run([any_python, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "clean\n", done.stderr


def test_the_contract_is_known_under_its_private_name_only() -> None:
    script = "import sys\ndef azureml_main(df=None):\n    print([n for n in sys.modules if 'estudio' in n])\n"
    assert run(script).log.startswith("[]\n")


def test_calls_do_not_see_each_other(any_python: str) -> None:
    start, end = "import os, sys\n", "\nazureml_main = lambda: None"
    leave = start + "os.environ['LEFT'] = '1'\nsys.left = 1\nopen('left.txt', 'w').close()" + end
    look = start + "print('LEFT' in os.environ, hasattr(sys, 'left'), os.path.exists('left.txt'))" + end
    run(leave, python=any_python)
    assert "True" not in run(look, python=any_python).log


def test_every_module_compiles_here() -> None:
    for path in sorted(GUEST_FOLDER.glob("*.py")):
        compile(path.read_bytes(), str(path), "exec")
        assert path.read_text().count("from __future__ import absolute_import") or path.name == "__init__.py"
    assert sys.version_info >= (3, 11)
