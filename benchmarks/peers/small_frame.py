"""The small table of the benchmarks: 10 rows, 5 columns of mixed types."""

import pandas as pd


def small_frame():
    return pd.DataFrame(
        {
            "whole": range(10),
            "real": [1.5, None] * 5,
            "text": ["x", "yy"] * 5,
            "flag": [True, False] * 5,
            "moment": pd.date_range("2024-02-29", periods=10, freq="D").astype("datetime64[ns]"),
        }
    )
