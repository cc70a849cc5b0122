"""Parallel scikit-learn and multiprocessing without starting programs."""

from __future__ import annotations

import pyarrow as pa

from .calls import run

NO_PROGRAMS = """
import os, subprocess
def refuse(*args, **kwargs):
    raise OSError("programs cannot be started here")
os.posix_spawn = os.execv = os.execve = subprocess.Popen = refuse
import _posixsubprocess
_posixsubprocess.fork_exec = refuse
"""
TABLE = pa.table({"x": [float(n % 7) for n in range(200)], "y": [n % 2 for n in range(200)]})


def test_grid_search_after_openmp(learning_python: str) -> None:
    script = f"""{NO_PROGRAMS}
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.model_selection import GridSearchCV
import pandas as pd
def azureml_main(df):
    HistGradientBoostingClassifier(max_iter=3).fit(df[["x"]], df.y)
    search = GridSearchCV(HistGradientBoostingClassifier(max_iter=3), {{"max_depth": [1, 2]}}, cv=2, n_jobs=-1)
    search.fit(df[["x"]], df.y)
    RandomForestClassifier(n_estimators=5, n_jobs=-1).fit(df[["x"]], df.y)
    from joblib import Parallel, delayed
    return pd.DataFrame({{"sum": [sum(Parallel(n_jobs=2, backend="loky")(delayed(abs)(-n) for n in range(5)))]}})
"""
    assert run(script, TABLE, python=learning_python).column("sum") == [10]


def test_pools_fork(any_python: str) -> None:
    script = """
        import multiprocessing
        import pandas as pd
        def double(x):
            return 2 * x
        def azureml_main():
            pool = multiprocessing.Pool(2)
            values = pool.map(double, [1, 2, 3])
            pool.terminate()
            pool.join()
            return pd.DataFrame({"v": values})
    """
    assert run(script, python=any_python).column("v") == [2, 4, 6]
