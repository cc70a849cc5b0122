"""BentoML with its defaults: a table of JSON rows to a DataFrame, a new column, and back.

Run by `bentoml serve score_bentoml:Scoring --port PORT`.
"""

import bentoml
import pandas as pd


@bentoml.service
class Scoring:
    @bentoml.api
    def score(self, rows: list[dict]) -> list[dict]:
        frame = pd.DataFrame(rows)
        frame["total"] = frame["n0"] + frame["n1"]
        return frame.to_dict("records")
