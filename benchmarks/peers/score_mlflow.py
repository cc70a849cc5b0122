"""MLflow: saves a model that adds a column; `mlflow models serve` then answers for it: `score_mlflow.py FOLDER`."""

import sys

import mlflow.pyfunc


class Scoring(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        model_input["total"] = model_input["n0"] + model_input["n1"]
        return model_input


if __name__ == "__main__":
    mlflow.pyfunc.save_model(sys.argv[1], python_model=Scoring(), pip_requirements=["pandas"])
