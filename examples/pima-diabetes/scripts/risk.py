"""Scores people with a trained model: each row by itself, so that a job may be cut into parts."""

import base64
import pickle

import sklearn.linear_model  # what the model is made of: imported here, it is there before a call comes
import sklearn.pipeline
import sklearn.preprocessing  # noqa: F401


def azureml_main(people, trained, *, threshold: float = 0.5):
    model = pickle.loads(base64.b64decode(trained["model"][0]))  # noqa: S301 - it is our own, frozen
    features = trained["features"][0].split(",")

    risk = model.predict_proba(people[features])[:, 1]
    return people.assign(risk=risk.round(4), ill=risk >= threshold)
