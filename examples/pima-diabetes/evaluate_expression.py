"""Evaluates each Python expression of the table's first column, given as text.

The old documentation published this as a web service. `eval` of a stranger's text is exactly what a sandbox is for.
"""

import math

import numpy as np
import pandas as pd

NAMES = {"math": math, "np": np, "pd": pd}


def evaluate(expression):
    try:
        return str(eval(expression, dict(NAMES)))
    except Exception as error:  # noqa: BLE001 - a wrong expression is a result, too
        return f"{type(error).__name__}: {error}"


def azureml_main(dataframe1=None, dataframe2=None):  # noqa: ARG001
    expressions = dataframe1.iloc[:, 0].astype(str)
    result = pd.DataFrame({"expression": expressions, "result": [evaluate(text) for text in expressions]})
    print(f"Evaluated {len(result)} expressions.")
    return (result,)
