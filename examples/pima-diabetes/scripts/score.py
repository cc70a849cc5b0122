"""Learns from the first table and scores the people of the second; draws the ROC curve."""

import matplotlib as mpl

mpl.use("agg")

from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import RocCurveDisplay, roc_auc_score


def azureml_main(training, testing, *, trees: int = 250):
    features, outcome = list(training.columns[:-1]), training.columns[-1]

    forest = ExtraTreesClassifier(n_estimators=trees, random_state=0)
    forest.fit(training[features], training[outcome])

    scored = testing.assign(probability=forest.predict_proba(testing[features])[:, 1])
    area = roc_auc_score(scored[outcome], scored["probability"])
    print(f"The area under the ROC curve is {area:.2f} for {len(scored)} people.")

    display = RocCurveDisplay.from_predictions(scored[outcome], scored["probability"])
    display.figure_.savefig("roc.png")
    return scored
