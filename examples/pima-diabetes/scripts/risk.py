"""Scores people with a trained model: each row by itself, so that a job may be cut into parts."""

import base64
import pickle


def azureml_main(people, trained, *, threshold: float = 0.5):
    model = pickle.loads(base64.b64decode(trained["model"][0]))
    features = trained["features"][0].split(",")

    risk = model.predict_proba(people[features])[:, 1]
    return people.assign(risk=risk.round(4), ill=risk >= threshold)
