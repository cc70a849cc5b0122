"""Ranks the columns of a table by how much they tell about its last column, the class.

The old documentation's example: extremely randomised trees. The table may be any with numeric columns before the class.
"""

import matplotlib as mpl

mpl.use("agg")

import matplotlib.pyplot as plt
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier


def azureml_main(dataframe1=None, dataframe2=None, *, trees: int = 250):  # noqa: ARG001
    features = dataframe1.iloc[:, :-1]
    classes = dataframe1.iloc[:, -1]

    forest = ExtraTreesClassifier(n_estimators=trees, random_state=0)
    forest.fit(features, classes)

    ranking = pd.DataFrame({"feature": features.columns, "importance": forest.feature_importances_})
    ranking = ranking.sort_values("importance", ascending=False).reset_index(drop=True)
    print(f"Ranked {len(ranking)} features of {len(dataframe1)} rows; the first is {ranking['feature'][0]}.")

    figure = plt.figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.gca()
    axes.barh(ranking["feature"][::-1], ranking["importance"][::-1])
    axes.set_xlabel("importance")
    axes.set_title(f"What tells about {classes.name}")
    figure.savefig("feature_importance.png")

    return (ranking,)
